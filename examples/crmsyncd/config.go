package main

import (
	"os"
	"time"
)

// A config is everything that a deployment may be told. The key of each part
// is its place in the file; every single value may come from the environment
// instead, by its path: hubspot.base_url is CRMSYNC_HUBSPOT_BASE_URL. A secret
// only comes from there.
type config struct {
	Name        string                   `key:"name"`
	Listen      string                   `key:"listen"`
	AdminListen string                   `key:"admin_listen"`
	PublicURL   string                   `key:"public_url"`
	ProbeURL    string                   `key:"probe_url"`
	Control     string                   `key:"control"`
	Store       string                   `key:"store"`
	Queue       string                   `key:"queue"`
	Log         logConfig                `key:"log"`
	Postgres    postgresConfig           `key:"postgres"`
	Redis       redisConfig              `key:"redis"`
	SQLite      sqliteConfig             `key:"sqlite"`
	Bird        birdConfig               `key:"bird"`
	HubSpot     hubspotConfig            `key:"hubspot"`
	Mapping     mappingConfig            `key:"mapping"`
	Rollout     map[string]rolloutConfig `key:"rollout"`
	Receivers   receiversConfig          `key:"receivers"`
	Engine      engineConfig             `key:"engine"`
	Dashboard   dashboardConfig          `key:"dashboard"`
	Alerts      alertsConfig             `key:"alerts"`
	Tracing     tracingConfig            `key:"tracing"`

	strangers []string // variables of ours by their names that nothing reads: most often slips
}

type logConfig struct {
	Level  string `key:"level"`
	Format string `key:"format"`
}

type postgresConfig struct {
	URL         secret `key:"url"`
	Schema      string `key:"schema"`
	Connections int    `key:"connections"`
}

type redisConfig struct {
	URL            secret `key:"url"`
	Prefix         string `key:"prefix"`
	RequireDurable bool   `key:"require_durable"`
}

type sqliteConfig struct {
	Path string `key:"path"`
}

type birdConfig struct {
	Workspace     string `key:"workspace"`
	BaseURL       string `key:"base_url"`
	ExternalIDKey string `key:"external_id_key"`
	Zone          string `key:"zone"`
	FlowMap       string `key:"flow_map"`
	AccessKey     secret `key:"access_key"`
	SigningKey    secret `key:"signing_key"`
	SigningKeyOld secret `key:"signing_key_old"`
	FlowSecret    secret `key:"flow_secret"`
	FlowSecretOld secret `key:"flow_secret_old"`
}

type hubspotConfig struct {
	BaseURL         string                  `key:"base_url"`
	Portal          int                     `key:"portal"`
	Journal         bool                    `key:"journal"`
	RatePer10s      int                     `key:"rate_per_10s"`
	SearchLag       time.Duration           `key:"search_lag"`
	AllowV1         bool                    `key:"allow_v1"`
	Actions         map[string]actionConfig `key:"actions"`
	Token           secret                  `key:"token"`
	ClientID        string                  `key:"client_id"`
	ClientSecret    secret                  `key:"client_secret"`
	ClientSecretOld secret                  `key:"client_secret_old"`
	RefreshToken    secret                  `key:"refresh_token"`
}

// An actionConfig is a custom workflow action; its key is its definition id.
type actionConfig struct {
	Fact string        `key:"fact"`
	Wait time.Duration `key:"wait"`
}

// A mappingConfig is the preset with options, or a file in its place.
type mappingConfig struct {
	File               string            `key:"file"`
	ContactsOnly       bool              `key:"contacts_only"`
	Region             string            `key:"region"`
	LeadSources        []string          `key:"lead_sources"`
	LeadSourceProperty string            `key:"lead_source_property"`
	ChangedProperties  []string          `key:"changed_properties"`
	Pipeline           string            `key:"pipeline"`
	Stages             map[string]string `key:"stages"`
	PeoplesStages      map[string]string `key:"peoples_stages"`
	Communications     bool              `key:"communications"`
	Owner              string            `key:"owner"`
	Zone               string            `key:"zone"`
	CustomEvent        string            `key:"custom_event"`
	WorkflowMessages   bool              `key:"workflow_messages"`
}

// A rolloutConfig opens a flow, named by its key, to some pairs or to none.
type rolloutConfig struct {
	Shadow  bool     `key:"shadow"`
	Percent int      `key:"percent"`
	Allow   []string `key:"allow"`
}

// A receiversConfig bounds what each receiver takes on; zero values mean those
// of the adapters.
type receiversConfig struct {
	MaxConcurrent int     `key:"max_concurrent"`
	MaxPerSecond  float64 `key:"max_per_second"`
	OldUntil      string  `key:"old_secrets_until"`
}

// oldUntil is until when old secrets are taken, zero for good.
func (r *receiversConfig) oldUntil() time.Time {
	at, _ := time.Parse(time.RFC3339, r.OldUntil) // as checked
	return at
}

// An engineConfig leaves what was there before the first start to a backfill,
// unless it says otherwise: whoever starts the daemon has not asked for both
// accounts to be written into each other.
type engineConfig struct {
	HistoryByBackfill bool          `key:"history_by_backfill"`
	Concurrency       int           `key:"concurrency"`
	SweepInterval     time.Duration `key:"sweep_interval"`
	InventoryInterval time.Duration `key:"inventory_interval"`
	WatchInterval     time.Duration `key:"watch_interval"`
	StopTimeout       time.Duration `key:"stop_timeout"`
	Guard             guardConfig   `key:"guard"`
}

type guardConfig struct {
	Detachments int     `key:"detachments"`
	Creations   int     `key:"creations"`
	Overwrites  int     `key:"overwrites"`
	Conflicts   float64 `key:"conflicts"`
	Duplicates  float64 `key:"duplicates"`
}

// A dashboardConfig needs a password for people on other machines.
type dashboardConfig struct {
	Off              bool     `key:"off"`
	Path             string   `key:"path"`
	ReadOnly         bool     `key:"read_only"`
	Plain            []string `key:"plain"`
	OperatorPassword secret   `key:"operator_password"`
	ViewerPassword   secret   `key:"viewer_password"`
}

type alertsConfig struct {
	Runbooks     string           `key:"runbooks"`
	Repeat       time.Duration    `key:"repeat"`
	Objectives   objectivesConfig `key:"objectives"`
	Log          bool             `key:"log"`
	SlackURL     secret           `key:"slack_url"`
	PagerDutyKey secret           `key:"pagerduty_key"`
	WebhookURL   secret           `key:"webhook_url"`
}

// A tracingConfig without an endpoint traces nothing.
type tracingConfig struct {
	Endpoint      string  `key:"endpoint"`
	Ratio         float64 `key:"ratio"`
	Authorization secret  `key:"authorization"`
}

type objectivesConfig struct {
	Lag       time.Duration `key:"lag"`
	Backlog   time.Duration `key:"backlog"`
	Failures  float64       `key:"failures"`
	Agreement float64       `key:"agreement"`
	Sweep     time.Duration `key:"sweep"`
}

// defaults is what holds for whatever is left out; zero values mean those of
// the library.
func defaults() *config {
	return &config{
		Name: "crmsync", Listen: "127.0.0.1:8080", Store: "sqlite",
		Log:       logConfig{Level: "info", Format: "text"},
		Postgres:  postgresConfig{Schema: "crmsync", Connections: 20},
		Redis:     redisConfig{Prefix: "crmsync"},
		SQLite:    sqliteConfig{Path: "crmsync.db"},
		Bird:      birdConfig{Zone: "UTC"},
		Mapping:   mappingConfig{Region: "CO"},
		Engine:    engineConfig{HistoryByBackfill: true, WatchInterval: time.Hour, StopTimeout: 20 * time.Second},
		Dashboard: dashboardConfig{Path: "/sync"},
		Alerts: alertsConfig{Log: true, Objectives: objectivesConfig{
			Lag: 5 * time.Second, Backlog: 30 * time.Second, Failures: 0.01, Agreement: 0.99, Sweep: 5 * time.Minute}},
		Tracing: tracingConfig{Ratio: 1},
	}
}

// loadConfig reads the file and the environment, which wins, and reports all
// that is wrong at once, as [problems].
func loadConfig(path string, environ []string) (*config, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, problems{{Key: "--config", Hint: "the file cannot be read; name another one by --config or CRMSYNC_CONFIG: " + err.Error()}}
	}
	c := defaults()
	c.strangers = strangers(environ)
	d := newDecoder(path)
	if !d.file(source, c) {
		return nil, d.found // what else is said would be of keys that may well be in the file
	}
	d.environment(environ, c)
	d.check(c.settle())
	if len(d.found) > 0 {
		return nil, d.found
	}
	return c, nil
}

// settle sets what follows from the rest.
func (c *config) settle() *config {
	if c.Queue == "" {
		c.Queue = c.Store
	}
	if c.Control == "" && c.Store == "sqlite" {
		c.Control = c.SQLite.Path + ".sock"
	}
	return c
}
