package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

// A Notifier tells people of an alert: once when it fires, at times while it
// lasts, and once when it is over. Methods may be called concurrently.
type Notifier interface {
	Notify(ctx context.Context, a Alert) error
}

// Log writes alerts to a log.
type Log struct{ *slog.Logger }

// Notify implements [Notifier].
func (l Log) Notify(ctx context.Context, a Alert) error {
	level := slog.LevelWarn
	if a.Severity == Critical {
		level = slog.LevelError
	}
	what := "alert"
	if !a.Ended.IsZero() {
		level, what = slog.LevelInfo, "alert is over"
	}
	l.LogAttrs(ctx, level, what, slog.String("alert", a.Key()), slog.String("severity", string(a.Severity)),
		slog.String("summary", a.Summary), slog.String("description", a.Description))
	return nil
}

// Webhook posts alerts as JSON, in the form of [Alert].
type Webhook struct {
	// URL is where to; it must be https unless it leads to this machine.
	URL string
	// Client is [http.DefaultClient] by default.
	Client *http.Client
}

// Notify implements [Notifier].
func (w Webhook) Notify(ctx context.Context, a Alert) error { return post(ctx, w.Client, w.URL, a) }

// Slack posts to an incoming webhook,
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
type Slack struct {
	// URL is the webhook's address. Whoever knows it can post: keep it secret.
	URL    string
	Client *http.Client
}

// Notify implements [Notifier].
func (s Slack) Notify(ctx context.Context, a Alert) error {
	mark := map[Severity]string{Critical: ":red_circle:", Warning: ":large_orange_circle:"}[a.Severity]
	if !a.Ended.IsZero() {
		mark = ":white_check_mark: over:"
	}
	text := fmt.Sprintf("%s *%s* %s\n%s", mark, plain.Replace(a.Key()), plain.Replace(a.Summary), plain.Replace(a.Description))
	if a.Runbook != "" {
		text += "\n" + a.Runbook
	}
	return post(ctx, s.Client, s.URL, map[string]string{"text": text})
}

// plain keeps Slack from reading text as markup.
var plain = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// PagerDuty sends events to the Events API v2,
// https://developer.pagerduty.com/docs/events-api-v2-overview.
type PagerDuty struct {
	// RoutingKey is the integration's key; keep it secret.
	RoutingKey string
	// Source names the deployment.
	Source string
	// URL is https://events.pagerduty.com/v2/enqueue by default.
	URL    string
	Client *http.Client
}

// Notify implements [Notifier].
func (p PagerDuty) Notify(ctx context.Context, a Alert) error {
	to := p.URL
	if to == "" {
		to = "https://events.pagerduty.com/v2/enqueue"
	}
	event := map[string]any{"routing_key": p.RoutingKey, "event_action": "trigger", "dedup_key": "crmsync " + p.Source + " " + a.Key()}
	if !a.Ended.IsZero() {
		event["event_action"] = "resolve"
		return post(ctx, p.Client, to, event)
	}
	event["payload"] = map[string]any{
		"summary": a.Summary + " " + a.Description, "source": "crmsync " + p.Source, "severity": string(a.Severity),
		"timestamp": a.Since, "custom_details": a,
	}
	return post(ctx, p.Client, to, event)
}

// post sends one JSON body and follows no redirect: an alert goes to nobody who
// was not named. Errors do not tell the address, which may be a secret.
func post(ctx context.Context, client *http.Client, to string, body any) error {
	fail := func(rule, hint string, err error) error {
		return &sync.Error{Op: "notify", Action: sync.Retry, Rule: rule, Hint: hint, Err: err}
	}
	if err := safe(to); err != nil {
		return fail("notifier.url", "use an https address", err)
	}
	res, err := (&httpx.Client{Base: to, HTTP: client}).Do(ctx, http.MethodPost, "", nil, body, nil)
	if err != nil {
		return fail("notifier.reached", "is it reachable from here?", err)
	}
	if !res.OK() {
		return fail("notifier.status", "check its address and key", fmt.Errorf("it answered %d", res.Status))
	}
	return nil
}

// safe refuses addresses that would show an alert or a key to others.
func safe(to string) error {
	u, err := url.Parse(to)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the address cannot be used")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()):
		return nil
	}
	return errors.New("the address is not encrypted")
}
