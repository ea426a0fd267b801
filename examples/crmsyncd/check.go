package main

import (
	"cmp"
	"iter"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/sync"
)

// check finds whatever is wrong with a configuration as a whole.
func (d *decoder) check(c *config) {
	for _, x := range rules {
		if !d.wrong(x.key) && x.wrong(c) {
			d.problem(x.key, x.hint)
		}
	}
	for name, r := range c.Rollout {
		d.rollout("rollout."+name, r)
	}
	for id := range c.HubSpot.Actions {
		if n, err := strconv.ParseInt(id, 10, 64); err != nil || n <= 0 {
			d.problem("hubspot.actions."+id, "the key is the action's definition id, a number")
		}
	}
	slices.SortStableFunc(d.found, func(a, b problem) int { return cmp.Compare(a.Key, b.Key) })
}

// wrong reports whether a key is among the problems already.
func (d *decoder) wrong(key string) bool {
	return slices.ContainsFunc(d.found, func(p problem) bool { return p.Key == key })
}

func (d *decoder) rollout(path string, r rolloutConfig) {
	if r.Percent < 0 || r.Percent > 100 {
		d.problem(path+".percent", "use 1 to 100")
	}
	if !r.Shadow && r.Percent == 0 && len(r.Allow) == 0 {
		d.problem(path, "this keeps nobody out: write shadow: true, a percent from 1 to 100, or whom to allow")
	}
	for _, ref := range r.Allow {
		if _, err := parseRef(ref); err != nil {
			d.problem(path+".allow", "name records as system:kind:id, such as hubspot:contact:512")
		}
	}
}

// A rule says when a key is wrong and what to do about it.
type rule struct {
	key, hint string
	wrong     func(c *config) bool
}

var engines = []string{"memory", "sqlite", "postgres", "redis"}

// longKey is how long a signing key of Bird's has to be, longSecret how long
// the bearer of Flows has to be that nobody guesses it.
const longKey, longSecret = 32, 16

var rules = []rule{
	{"name", "give the deployment a name", func(c *config) bool { return c.Name == "" }},
	{"listen", "write host:port, such as 127.0.0.1:8080", func(c *config) bool { return !isAddress(c.Listen) }},
	{"admin_listen", "write host:port, such as 127.0.0.1:9090, or leave it out", func(c *config) bool { return c.AdminListen != "" && !isAddress(c.AdminListen) }},
	{"admin_listen", "write another address than listen, or leave it out", func(c *config) bool { return c.AdminListen != "" && c.AdminListen == c.Listen }},
	{"public_url", "write the address at which HubSpot and Bird reach this service: https, a host name with dots, no port, no path, such as https://sync.example.com",
		func(c *config) bool { return !isPublic(c.PublicURL) }},
	{"probe_url", "write an http or https address without a path, such as http://127.0.0.1:8080", func(c *config) bool {
		return c.ProbeURL != "" && !isOrigin(c.ProbeURL)
	}},
	{"store", "use one of: " + strings.Join(engines, ", "), func(c *config) bool { return !slices.Contains(engines, c.Store) }},
	{"queue", "use one of: " + strings.Join(engines, ", ") + "; sqlite needs the store sqlite", func(c *config) bool {
		return !slices.Contains(engines, c.Queue) || c.Queue == "sqlite" && c.Store != "sqlite"
	}},
	{"log.level", "use one of: debug, info, warn, error", func(c *config) bool { return !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) }},
	{"log.format", "use text or json", func(c *config) bool { return c.Log.Format != "text" && c.Log.Format != "json" }},
	{"postgres.url", "set CRMSYNC_POSTGRES_URL to a PostgreSQL address, such as postgres://crmsync@db.example.com/crmsync", func(c *config) bool {
		_, err := pgxpool.ParseConfig(c.Postgres.URL.text)
		return c.uses("postgres") && (!c.Postgres.URL.set() || err != nil)
	}},
	{"postgres.schema", "use small letters, digits and _", func(c *config) bool { return !isName(c.Postgres.Schema) }},
	{"postgres.connections", "use 4 or more", func(c *config) bool { return c.uses("postgres") && c.Postgres.Connections < 4 }},
	{"redis.url", "set CRMSYNC_REDIS_URL to a Redis address, such as rediss://redis.example.com:6379/0", func(c *config) bool {
		_, err := redis.ParseURL(c.Redis.URL.text)
		return c.uses("redis") && (!c.Redis.URL.set() || err != nil)
	}},
	{"redis.prefix", "use small letters, digits and _", func(c *config) bool { return !isName(c.Redis.Prefix) }},
	{"sqlite.path", "name the file", func(c *config) bool { return c.Store == "sqlite" && c.SQLite.Path == "" }},
	{"bird.workspace", "write the workspace's UUID, from its settings in Bird", func(c *config) bool { return c.Bird.Workspace == "" }},
	{"bird.access_key", "set CRMSYNC_BIRD_ACCESS_KEY to an access key of the workspace with a role", func(c *config) bool { return !c.Bird.AccessKey.set() }},
	{"bird.signing_key", "set CRMSYNC_BIRD_SIGNING_KEY to 32 random characters or more; setup gives it to Bird's webhooks",
		func(c *config) bool { return len(c.Bird.SigningKey.text) < longKey }},
	{"bird.flow_secret", "set CRMSYNC_BIRD_FLOW_SECRET to 16 random characters or more; the HTTP steps of the Flows send it as a bearer",
		func(c *config) bool { return len(c.Bird.FlowSecret.text) < longSecret }},
	{"bird.base_url", "write an http or https address without a path, or leave it out", func(c *config) bool { return c.Bird.BaseURL != "" && !isOrigin(c.Bird.BaseURL) }},
	{"bird.zone", "write an IANA name, such as America/Bogota", func(c *config) bool { return !isZone(c.Bird.Zone) }},
	{"hubspot.token", "set CRMSYNC_HUBSPOT_TOKEN, or all of hubspot.client_id, CRMSYNC_HUBSPOT_CLIENT_SECRET and CRMSYNC_HUBSPOT_REFRESH_TOKEN; not both",
		func(c *config) bool { return c.HubSpot.Token.set() == c.HubSpot.RefreshToken.set() }},
	{"hubspot.client_id", "write the app's client id, which OAuth and the journal need", func(c *config) bool {
		return c.HubSpot.ClientID == "" && (c.HubSpot.RefreshToken.set() || c.HubSpot.Journal)
	}},
	{"hubspot.client_secret", "set CRMSYNC_HUBSPOT_CLIENT_SECRET to the app's client secret, which signs HubSpot's webhooks", func(c *config) bool { return !c.HubSpot.ClientSecret.set() }},
	{"hubspot.portal", "write the account's number, which the journal needs", func(c *config) bool {
		return c.HubSpot.Portal < 0 || c.HubSpot.Journal && c.HubSpot.Portal == 0
	}},
	{"hubspot.base_url", "write an http or https address without a path, or leave it out", func(c *config) bool { return c.HubSpot.BaseURL != "" && !isOrigin(c.HubSpot.BaseURL) }},
	{"hubspot.rate_per_10s", "use 0 for the default, or what the account is allowed", func(c *config) bool { return c.HubSpot.RatePer10s < 0 }},
	{"hubspot.search_lag", "use no negative duration", func(c *config) bool { return c.HubSpot.SearchLag < 0 }},
	{"mapping.zone", "write an IANA name, such as America/Bogota", func(c *config) bool { return !isZone(cmp.Or(c.Mapping.Zone, "UTC")) }},
	{"mapping.file", "a file takes the place of the preset: leave out its options, all but region and workflow_messages", func(c *config) bool {
		return c.Mapping.File != "" && c.Mapping.hasOptions()
	}},
	{"mapping.stages", "write an id of HubSpot's by AI stage, which is one of: " + strings.Join(aiStages(), ", "), func(c *config) bool {
		return c.Mapping.File == "" && !areStages(maps.Keys(c.Mapping.Stages))
	}},
	{"mapping.peoples_stages", "write an AI stage by HubSpot's id, one of: " + strings.Join(aiStages(), ", "), func(c *config) bool {
		return c.Mapping.File == "" && !areStages(maps.Values(c.Mapping.PeoplesStages))
	}},
	{"receivers.max_concurrent", "use 0 for the default, or more", func(c *config) bool { return c.Receivers.MaxConcurrent < 0 }},
	{"receivers.old_secrets_until", "write a time such as 2026-05-01T12:00:00Z", func(c *config) bool {
		_, err := time.Parse(time.RFC3339, c.Receivers.OldUntil)
		return c.Receivers.OldUntil != "" && err != nil
	}},
	{"receivers.max_per_second", "use 0 for the default, or more", func(c *config) bool { return !(c.Receivers.MaxPerSecond >= 0) }},
	{"engine.concurrency", "use 0 for the default, or more", func(c *config) bool { return c.Engine.Concurrency < 0 }},
	{"engine.sweep_interval", "use 0 for the default, or a duration", func(c *config) bool { return c.Engine.SweepInterval < 0 }},
	{"engine.inventory_interval", "use 0 for never, or a duration", func(c *config) bool { return c.Engine.InventoryInterval < 0 }},
	{"engine.watch_interval", "use a second or more", func(c *config) bool { return c.Engine.WatchInterval < time.Second }},
	{"engine.stop_timeout", "use a second or more", func(c *config) bool { return c.Engine.StopTimeout < time.Second }},
	{"engine.guard", "use no negative bounds, and shares from 0 to 1", func(c *config) bool {
		g := c.Engine.Guard
		return min(g.Detachments, g.Creations, g.Overwrites) < 0 || !isShare(g.Conflicts) || !isShare(g.Duplicates)
	}},
	{"dashboard.path", "write a path such as /sync", func(c *config) bool { return !regexp.MustCompile(`^(/[a-z0-9-]+)+$`).MatchString(c.Dashboard.Path) }},
	{"dashboard.operator_password", "use 12 characters or more", func(c *config) bool { return isShort(c.Dashboard.OperatorPassword) }},
	{"dashboard.viewer_password", "use 12 characters or more, and not the operators' password", func(c *config) bool {
		return isShort(c.Dashboard.ViewerPassword) || c.Dashboard.ViewerPassword.set() && c.Dashboard.ViewerPassword.text == c.Dashboard.OperatorPassword.text
	}},
	{"alerts.slack_url", "set CRMSYNC_ALERTS_SLACK_URL to the https address of an incoming webhook", func(c *config) bool { return !isHook(c.Alerts.SlackURL) }},
	{"alerts.webhook_url", "set CRMSYNC_ALERTS_WEBHOOK_URL to an https address, or one of this machine", func(c *config) bool { return !isHook(c.Alerts.WebhookURL) }},
	{"alerts.repeat", "use no negative duration", func(c *config) bool { return c.Alerts.Repeat < 0 }},
	{"tracing.endpoint", "write the http or https address of an OTLP collector, such as http://127.0.0.1:4318; with CRMSYNC_TRACING_AUTHORIZATION https, or of this machine",
		func(c *config) bool { return c.Tracing.Endpoint != "" && !c.Tracing.isCollector() }},
	{"tracing.ratio", "use a share above 0, up to 1", func(c *config) bool { return c.Tracing.Ratio <= 0 || c.Tracing.Ratio > 1 }},
	{"alerts.objectives", "use positive durations, and shares from 0 to 1", func(c *config) bool {
		o := c.Alerts.Objectives
		return min(o.Lag, o.Backlog, o.Sweep) <= 0 || !isShare(o.Failures) || !isShare(o.Agreement)
	}},
}

// uses reports whether the store or the queue is in an engine.
func (c *config) uses(engine string) bool { return c.Store == engine || c.Queue == engine }

func isAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, bad := strconv.Atoi(port)
	return err == nil && bad == nil && n >= 0 && n < 1<<16 && !strings.ContainsAny(host, " /")
}

// isOrigin reports whether a text is a scheme and a host, and no more.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && s == u.Scheme+"://"+u.Host
}

func isPublic(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isOrigin(s) && u.Scheme == "https" && u.Port() == "" && strings.Contains(u.Hostname(), ".") && net.ParseIP(u.Hostname()) == nil
}

// isHook reports whether an address may be told of alerts, if there is one.
func isHook(s secret) bool {
	u, err := url.Parse(s.text)
	if !s.set() {
		return true
	}
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u))
}

func isLoopback(u *url.URL) bool {
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}

var word = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

func isName(s string) bool { return word.MatchString(s) }

func isShare(f float64) bool { return f >= 0 && f <= 1 }

func isShort(s secret) bool { return s.set() && len(s.text) < 12 }

// areStages reports whether all names are AI stages.
func areStages(names iter.Seq[string]) bool {
	all := aiStages()
	for name := range names {
		if !slices.Contains(all, name) {
			return false
		}
	}
	return true
}

func isZone(s string) bool {
	_, err := time.LoadLocation(s)
	return err == nil && s != ""
}

// parseRef reads system:kind:id.
func parseRef(s string) (sync.Ref, error) {
	parts := strings.SplitN(s, ":", 3)
	if len(parts) != 3 || slices.Contains(parts, "") {
		return sync.Ref{}, usage("a record is named as system:kind:id, such as hubspot:contact:512")
	}
	return sync.Ref{System: sync.System(parts[0]), Kind: sync.Kind(parts[1]), ID: parts[2]}, nil
}
