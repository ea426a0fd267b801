package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/sync"
)

// checkReach calls the receivers as the vendors do: by the public URL, unless
// another one leads there from here.
func (d *doctor) checkReach(ctx context.Context) {
	base := cmp.Or(d.cfg.ProbeURL, d.cfg.PublicURL)
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	status, header, err := call(ctx, client, http.MethodGet, base+"/healthz")
	switch {
	case err != nil:
		d.fix("reach", base+" does not answer", "start crmsyncd serve; then look at DNS, the certificate and the proxy before it")
		return
	case status != http.StatusOK || header.Get(instance) == "":
		d.fix("reach", fmt.Sprintf("%s answers %d, and not as crmsyncd does", base, status), "have the proxy pass /healthz, /webhooks/ and /flows/ to crmsyncd")
		return
	case header.Get(instance) != d.cfg.Name:
		d.fix("reach", base+" leads to a deployment of another name", "give each deployment a public_url of its own")
		return
	}
	for _, path := range []string{hubspotPath, birdPath, flowPath} {
		if status, _, err := call(ctx, client, http.MethodPost, base+path); err != nil || status != http.StatusUnauthorized {
			d.fix("reach", fmt.Sprintf("a call without a signature to %s is answered %d, not 401", path, status), "have the proxy pass it unchanged; exempt it from bot rules")
			return
		}
	}
	d.ok("reach", base+" leads to the receivers, which refuse strangers")
	d.checkPages(ctx, client, base)
	d.note("hubspot webhooks", "HubSpot does not tell a token what its app is subscribed to",
		"in the app: target URL "+d.cfg.PublicURL+hubspotPath+"; subscribe to creation, deletion, merge, restore, privacyDeletion and propertyChange of "+d.kinds())
}

// checkPages looks whether strangers see what is for those who run it.
func (d *doctor) checkPages(ctx context.Context, client *http.Client, base string) {
	page := base + d.cfg.Dashboard.Path + "/"
	status, header, err := call(ctx, client, http.MethodGet, page)
	switch {
	case err != nil:
		d.wrong("dashboard", err, "look at the proxy")
	case status == http.StatusOK && header.Get(instance) != "":
		d.fix("dashboard", page+" shows the dashboard to strangers, who may do everything there", "keep the proxy from leading there, or set CRMSYNC_DASHBOARD_OPERATOR_PASSWORD")
	case d.cfg.withDashboard():
		d.ok("dashboard", "strangers do not see it")
	case !d.cfg.Dashboard.Off:
		d.note("dashboard", "it is not served: behind a proxy everybody would seem to be on this machine", getDashboard)
	}
	if status, header, err := call(ctx, client, http.MethodGet, base+"/metrics"); err == nil && status == http.StatusOK && header.Get(instance) != "" {
		d.warn("metrics", base+"/metrics tells strangers how much there is to do", "set admin_listen, to which no proxy leads; or have the proxy pass no more than /healthz, /webhooks/ and /flows/")
	}
}

// kinds names HubSpot's kinds of records and their properties.
func (d *doctor) kinds() string {
	var out []string
	for _, kind := range kinds(d.set.Flows, hubspot.System) {
		out = append(out, fmt.Sprintf("%s (%s)", kind, strings.Join(slices.DeleteFunc(fields(d.set.Flows, hubspot.System, kind), isID), ", ")))
	}
	return strings.Join(out, "; ")
}

func isID(name string) bool { return name == sync.IDField }

func call(ctx context.Context, client *http.Client, method, url string) (int, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(""))
	if err != nil {
		return 0, nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection is used again
	return resp.StatusCode, resp.Header, nil
}

// checkAlerts tells who hears of alerts, and sends them a test if asked to.
func (d *doctor) checkAlerts(ctx context.Context, test bool) {
	people := len(texts(d.cfg.Alerts.SlackURL, d.cfg.Alerts.PagerDutyKey, d.cfg.Alerts.WebhookURL))
	if people == 0 {
		d.warn("alerts", "nobody is told but the log", "set CRMSYNC_ALERTS_SLACK_URL, CRMSYNC_ALERTS_PAGERDUTY_KEY or CRMSYNC_ALERTS_WEBHOOK_URL")
	}
	if !test {
		if people > 0 {
			d.ok("alerts", fmt.Sprintf("%d notifiers beside the log; try them by crmsyncd doctor --test-alerts", people))
		}
		return
	}
	if err := d.watch.alerts.Test(ctx, time.Now()); err != nil {
		d.wrong("alerts", err, "compare the address or the key with that of the notifier")
		return
	}
	d.ok("alerts", "a test was sent to everybody")
}

// checkTraces sends the collector of traces a request without spans.
func (d *doctor) checkTraces(ctx context.Context) {
	c := &d.cfg.Tracing
	if c.Endpoint == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, exporting)
	defer cancel()
	web := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	if err := otlptracehttp.NewClient(c.collector(web)...).UploadTraces(ctx, nil); err != nil {
		d.fix("traces", "the collector takes none: "+withoutAnswer(err), "look whether "+c.Endpoint+tracesPath+" is that of an OTLP collector, and at CRMSYNC_TRACING_AUTHORIZATION")
		return
	}
	d.ok("traces", "the collector takes them")
}

// variables are the names of those that the configuration reads.
func variables() map[string]bool {
	out := map[string]bool{prefix + "CONFIG": true}
	eachValue("", reflect.ValueOf(defaults()).Elem(), func(path string, v reflect.Value) {
		out[variable(path)] = true
		if v.Type() == reflect.TypeFor[secret]() {
			out[variable(path)+"_FILE"] = true
		}
	})
	return out
}
