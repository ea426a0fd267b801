package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Webhook measures a receiver: how many requests it answers, with which
// status, and how long that takes. The source is the system that sends.
func (c *Collector) Webhook(source string, receiver http.Handler) http.Handler {
	of := prometheus.Labels{"source": source}
	receiver = promhttp.InstrumentHandlerDuration(c.webhookFor.MustCurryWith(of), receiver)
	return promhttp.InstrumentHandlerCounter(c.webhooks.MustCurryWith(of), receiver)
}
