package hubspot

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// System is the name under which this package's records appear.
const System sync.System = "hubspot"

// DefaultBaseURL is where HubSpot's API lives.
const DefaultBaseURL = "https://api.hubapi.com"

// DefaultAPIVersion is the version of the API used unless told otherwise.
// Source: https://developers.hubspot.com/docs/developer-tooling/platform/versioning
const DefaultAPIVersion = "2026-09"

// Options adjust an [Adapter]. The zero value of each field means the default
// it names.
type Options struct {
	// BaseURL is the scheme and host of the API; [DefaultBaseURL].
	BaseURL string
	// APIVersion is a date version such as "2026-09" ([DefaultAPIVersion]) or
	// "2026-03", or "v3" for the legacy paths.
	APIVersion string
	// HTTPClient does the calls; http.DefaultClient. Whichever it is, a call
	// is given up after 30 seconds.
	HTTPClient *http.Client
	// Objects are the kinds of records to keep in step; contacts alone.
	// Records of the other kinds can be read and written all the same, which
	// is how activities are recorded, but [Adapter.Changes] does not tell of
	// them.
	Objects map[sync.Kind]Object
	// Region is the ISO 3166 country of telephone numbers written without a
	// country code, such as "CO". Unset, such numbers are compared by their
	// digits alone.
	Region string
	// Linger is how long a call waits for others to share a batch; 20 ms.
	Linger time.Duration
	// RatePer10s is the account's quota of calls in 10 seconds, assumed until
	// the first answer tells the true one; 100.
	RatePer10s int
	// SearchPerSecond is this process's part of the account's 5 searches a
	// second; 4.
	SearchPerSecond int
	// Concurrency bounds the calls in flight; 8.
	Concurrency int
	// Permits shares the account's quotas between processes. Unset, each
	// learns from HubSpot's answers what the others use, which serves a few
	// processes well.
	Permits sync.Permits
	// Account tells the quotas of several accounts in Permits apart.
	Account string
	// SearchLag is how far behind HubSpot's search index may be. A catch-up
	// reads that much again each time; 2 minutes.
	SearchLag time.Duration
	// OnCall, if set, is told of every call once it was answered. It is called
	// from many goroutines and must be quick.
	OnCall func(sync.Call)
	// Logger receives warnings about quotas and the like; nil is silent.
	Logger *slog.Logger
}

// An Object says what of a kind's records is of interest. The zero value of
// each field means the default it names.
type Object struct {
	// Properties are those to read; give what the flow names on HubSpot's
	// side. Unset, they are a few that HubSpot itself defines: for contacts
	// email, firstname, lastname and phone.
	Properties []string
	// Unique names the properties created with hasUniqueValue, by which
	// records can be looked up; custom_bird_contact_id for contacts, and none
	// for other kinds.
	Unique []string
	// NoSweep keeps the kind out of [Adapter.Changes].
	NoSweep bool
}

var (
	versionForm  = regexp.MustCompile(`^(v3|\d{4}-\d{2}(-beta)?)$`)
	propertyForm = regexp.MustCompile(`^[a-z0-9_]{1,100}$`)
)

// withDefaults returns a checked copy with every field set.
func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	c.BaseURL = strings.TrimRight(or(c.BaseURL, DefaultBaseURL), "/")
	c.APIVersion = or(c.APIVersion, DefaultAPIVersion)
	c.Linger = or(c.Linger, 20*time.Millisecond)
	c.RatePer10s = or(c.RatePer10s, 100)
	c.SearchPerSecond = or(c.SearchPerSecond, 4)
	c.Concurrency = or(c.Concurrency, 8)
	c.SearchLag = or(c.SearchLag, 2*time.Minute)
	if c.HTTPClient == nil {
		c.HTTPClient = http.DefaultClient
	}
	if c.Objects == nil {
		c.Objects = map[sync.Kind]Object{Contact: {}}
	}
	if c.OnCall == nil {
		c.OnCall = func(sync.Call) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, c.check()
}

func (o *Options) check() error {
	if u, err := url.Parse(o.BaseURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return optionError("BaseURL", "url.absolute", "give a scheme and a host, such as "+DefaultBaseURL)
	}
	if !versionForm.MatchString(o.APIVersion) {
		return optionError("APIVersion", "version.known", `give a date version such as "2026-09", or "v3"`)
	}
	if o.Linger < 0 || o.RatePer10s < 0 || o.SearchPerSecond < 0 || o.Concurrency < 0 || o.SearchLag < 0 {
		return optionError("Linger, RatePer10s, SearchPerSecond, Concurrency, SearchLag", "number.positive",
			"leave them 0 for the default or give a positive number")
	}
	for kind, object := range o.Objects {
		if objectTypes[kind] == nil {
			return optionError("Objects", "kind.known", fmt.Sprintf("this adapter does not know the kind %q", kind))
		}
		for _, n := range slices.Concat(object.Properties, object.Unique) {
			if n != sync.IDField && !propertyForm.MatchString(n) {
				return optionError("Objects", "property.name",
					"HubSpot's internal names have only lower-case letters, digits and underscores")
			}
		}
	}
	return nil
}

func optionError(field, rule, hint string) error {
	return &sync.Error{Op: "hubspot: new", Action: sync.Fatal, Field: field, Rule: rule, Hint: hint}
}

// or returns v, or the default when v is the zero value.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
