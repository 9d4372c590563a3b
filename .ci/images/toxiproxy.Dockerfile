# Stands in for ghcr.io/shopify/toxiproxy where nothing can be pulled: a static binary is a whole image.
FROM scratch
COPY toxiproxy /toxiproxy
ENTRYPOINT ["/toxiproxy"]
CMD ["-host=0.0.0.0"]
EXPOSE 8474
