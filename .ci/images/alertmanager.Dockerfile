# Stands in for prom/alertmanager where nothing can be pulled: Debian's Alertmanager 0.25 behind the official image's contract.
FROM local/debian
COPY prometheus-alertmanager /bin/alertmanager
COPY amtool /bin/
COPY *.tmpl /usr/share/prometheus/alertmanager/
RUN install -d -o nobody -g nogroup /alertmanager /etc/alertmanager
USER nobody
WORKDIR /alertmanager
VOLUME /alertmanager
EXPOSE 9093
ENTRYPOINT ["/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
