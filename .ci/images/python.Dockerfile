# Stands in for python:3.11-slim where nothing can be pulled: Debian's Python, `python` and `pip` as in the official image.
FROM local/debian
RUN rm /usr/lib/python3.11/EXTERNALLY-MANAGED && ln -s /usr/bin/python3 /usr/local/bin/python
ENV LANG=C.UTF-8
CMD ["python3"]
