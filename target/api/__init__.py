"""The shop itself: a catalogue, a checkout, orders."""
