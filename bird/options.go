package bird

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

const (
	// System is the name of Bird in a [sync.Ref].
	System sync.System = "bird"
	// Contact is the kind of Bird's contacts.
	Contact sync.Kind = "contact"
)

// DefaultBaseURL is the address of Bird's workspace API.
// See https://docs.bird.com/api/api-access/common-api-usage.
const DefaultBaseURL = "https://api.bird.com"

// The raw field names that are not attributes.
const (
	FieldExternalID = "external_id" // the other system's id, a custom identifier
	FieldPhone      = "msisdn"      // the identifier phonenumber, E.164 with "+"
	FieldEmail      = "email"       // the identifier emailaddress
	FieldName       = "name"        // the attribute displayName
	FieldAnonymous  = "anonymous"   // a visitor without e-mail and phone; read only
)

// AttributeType says which JSON type an attribute is written with. The names
// are those of Bird's attribute definitions.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-contact-attribute-definition.
type AttributeType string

// The attribute types.
const (
	StringAttribute   AttributeType = "string"
	NumberAttribute   AttributeType = "number"
	BooleanAttribute  AttributeType = "boolean"
	DatetimeAttribute AttributeType = "datetime" // RFC 3339 text, or a date
	ManyAttribute     AttributeType = "many"     // an array of texts
)

// A MatchStrategy says what Bird's upsert makes of a write whose identifiers
// do not all belong to the contact that it finds.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts/create-or-update-a-contact-by-identifier.
type MatchStrategy string

// The match strategies.
const (
	// StrictAlias refuses the write with a conflict that names the holder. It
	// is the default: the engine links the holder then, or asks a person, and
	// two people are never mixed up by a guess.
	StrictAlias MatchStrategy = "strict_alias"
	// FirstAlias writes to the contact that holds the key and gives it those
	// identifiers that nobody holds.
	FirstAlias MatchStrategy = "first_alias"
	// First writes to the contact that holds the key and gives it no other
	// identifier.
	First MatchStrategy = "first"
)

// Options adjusts an [Adapter]. The zero value and nil mean the defaults.
type Options struct {
	// BaseURL is where the API is; "" is [DefaultBaseURL].
	BaseURL string
	// HTTPClient carries out the requests; nil is a client of the adapter's
	// own with a timeout of 30 seconds.
	HTTPClient *http.Client
	// Fields are the raw names to read, best taken from [sync.Flow.Names].
	// Nil means the id and the four fields that are not attributes.
	Fields []string
	// Conversations are the raw names to read of conversations, best taken from
	// [sync.Flow.Names]; nil keeps none in step.
	Conversations []string
	// ConversationAge is how long ago a conversation that [Adapter.Changes]
	// reports moved at the most; 0 is 30 days. Let it be longer than any time
	// without the engine.
	ConversationAge time.Duration
	// ExternalIDKey is the key of the custom identifier that holds the other
	// system's id of the contact; "" is "external_id".
	ExternalIDKey string
	// Strategy is how contacts are created and met; "" is [StrictAlias].
	// Identifiers that another strategy passed over are in Result.Dropped.
	Strategy MatchStrategy
	// Attributes declares the types of attributes for writing, by key. An
	// attribute that is not declared is written with the type of its value.
	Attributes map[string]AttributeType
	// GETPerSecond is how many reads a second the adapter allows itself; 0 is
	// 40, four fifths of the workspace's 50.
	GETPerSecond int
	// POSTPerSecond is the same for POST and PATCH; 0 is 450 of 500. Bird
	// states no limit for PATCH, so the two share one budget.
	// See https://docs.bird.com/api/channels-api/rate-limit.
	POSTPerSecond int
	// WalkShare is the part of GETPerSecond that the walks of all contacts
	// and conversations may use at the most, above 0 and up to 1; 0 is a quarter.
	WalkShare float64
	// Permits shares both quotas between processes, which Bird's answers say
	// nothing of; unset, each process believes that it is alone.
	Permits sync.Permits
	// Summary writes conversations down for facts about them, see
	// [Adapter.Enrich]; nil does not.
	Summary *Summarizer
	// OnCall, if set, is told of every call once it was answered. It is called
	// from many goroutines and must be quick.
	OnCall func(sync.Call)
	// Logger receives what the adapter does; nil is silent.
	Logger *slog.Logger
}

// withDefaults returns a copy of o with every default filled in.
func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.Fields == nil {
		c.Fields = []string{FieldExternalID, FieldPhone, FieldEmail, FieldName}
	}
	if c.ExternalIDKey == "" {
		c.ExternalIDKey = "external_id"
	}
	if c.Strategy == "" {
		c.Strategy = StrictAlias
	}
	if c.GETPerSecond <= 0 {
		c.GETPerSecond = 40
	}
	if c.POSTPerSecond <= 0 {
		c.POSTPerSecond = 450
	}
	if c.ConversationAge <= 0 {
		c.ConversationAge = 30 * 24 * time.Hour
	}
	if c.WalkShare == 0 {
		c.WalkShare = 0.25
	}
	if c.OnCall == nil {
		c.OnCall = func(sync.Call) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// checkCredentials refuses what belongs to Bird's other platform before any
// call is made: there it would only earn a puzzling 401.
func checkCredentials(workspaceID, accessKey string) error {
	switch {
	case accessKey == "":
		return misconfigured("accesskey.present", "create an access key in Bird under Developers, Access keys, and give it a role")
	case strings.ContainsAny(accessKey, " \t\r\n"):
		return misconfigured("accesskey.form", "give the access key alone, without blanks, line ends or a word before it")
	case strings.HasPrefix(accessKey, "bk_"):
		return misconfigured("accesskey.workspace", "a key that begins with bk_ belongs to Bird's newer developer platform, "+
			"which has no conversations; create an access key in the workspace under Developers, Access keys")
	case strings.HasPrefix(workspaceID, "ws_"):
		return misconfigured("workspace.uuid", "an id that begins with ws_ belongs to Bird's newer developer platform or its dashboard; "+
			"use the workspace's UUID, which the address of the workspace's settings shows")
	case !uuidPattern.MatchString(workspaceID):
		return misconfigured("workspace.uuid", "a workspace id is a UUID of 36 characters; copy it from the workspace's settings")
	}
	return nil
}

func (o *Options) check() error {
	u, err := url.Parse(o.BaseURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return misconfigured("baseurl.absolute", "give the base URL with scheme and host, such as "+DefaultBaseURL)
	}
	if !(o.WalkShare > 0 && o.WalkShare <= 1) {
		return misconfigured("walk.share", "give WalkShare as a part of GETPerSecond, above 0 and up to 1")
	}
	if err := checkConversationFields(o.Conversations); err != nil {
		return err
	}
	if len(o.ExternalIDKey) > 64 {
		return misconfigured("identifier.key", "an identifier's key has at most 64 characters")
	}
	switch o.Strategy {
	case StrictAlias, FirstAlias, First:
	default:
		return misconfigured("strategy.known", "choose strict_alias, first_alias or first")
	}
	for key, t := range o.Attributes {
		switch t {
		case StringAttribute, NumberAttribute, BooleanAttribute, DatetimeAttribute, ManyAttribute:
		default:
			return misconfigured("attribute.type", "declare the attribute "+key+" as string, number, boolean, datetime or many")
		}
	}
	return nil
}

func misconfigured(rule, hint string) error {
	return &sync.Error{Op: "bird: configure", Action: sync.Fatal, Rule: rule, Hint: hint,
		Err: errors.New("the configuration is not usable")}
}
