package bird

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What Bird takes as the key of an attribute, as the name of an event and as
// the address of a webhook. See
// https://docs.bird.com/api/contacts-api/api-reference/manage-contact-attribute-definition and
// https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions/create-a-webhook-subscription.
var (
	attributeForm = regexp.MustCompile(`^[A-Za-z\d_-]{1,64}$`)
	eventForm     = regexp.MustCompile(`^[a-z\d_-]+(\.[a-z\d_-]+)+$`)
	urlForm       = regexp.MustCompile(`^https://([a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}(/[^\s]*)?$`)
)

var (
	services       = []string{"channels", "conversations", "numbers", "payments"}
	attributeTypes = []string{"boolean", "datetime", "number", "string"}
)

// minKey is how long a signing key is at least, in bytes. Bird would take a
// shorter one, and none: then anybody could send us events.
const minKey = 32

// Validate reports everything that Bird would refuse, or that contradicts
// itself, or that would let strangers send us events, without asking Bird. The
// error joins [*sync.Error]s, each of which names the attribute or webhook.
func (s Schema) Validate() error { return s.check(true, true) }

// A complaint is how a check says what is wrong.
type complaint func(field, rule, hint string)

// check is Validate; the addresses and keys of webhooks are optional.
func (s Schema) check(addresses, keys bool) error {
	s = s.complete()
	var errs []error
	bad := func(field, rule, hint string) { errs = append(errs, schemaError(field, rule, hint, nil)) }
	s.checkOnce(bad)
	for _, d := range s.Attributes {
		d.check(bad)
	}
	if s.Identifier != (Identifier{}) && (s.Identifier.Key == "" || len(s.Identifier.Key) > 64) {
		bad("identifier", "identifier.key", "an identifier's key has 1 to 64 characters")
	}
	for _, w := range s.Webhooks {
		w.check(bad)
	}
	s.checkEndpoints(addresses, keys, bad)
	for _, id := range s.Channels {
		if !uuidPattern.MatchString(id) {
			bad("channel "+id, "channel.id", "the id of a channel is a UUID; copy it from the channel's settings in Bird")
		}
	}
	for _, t := range s.ByHand {
		if t.What == "" || t.Name == "" || t.Note == "" {
			bad(t.Name, "task.form", "say what it is, its name and what is to be done")
		}
	}
	return errors.Join(errs...)
}

// checkOnce wants each attribute and webhook once.
func (s *Schema) checkOnce(bad complaint) {
	seen := map[string]bool{}
	once := func(name, rule, hint string) {
		if seen[name] {
			bad(name, rule, hint)
		}
		seen[name] = true
	}
	for _, d := range s.Attributes {
		once("attributes."+d.Key, "attribute.once", "name each attribute once")
	}
	for _, w := range s.Webhooks {
		once(w.name(), "webhook.once", "name each event once with the same filters")
	}
}

func (d *AttributeDefinition) check(bad complaint) {
	at := "attributes." + d.Key
	if d.Key == "" || !d.Builtin && !attributeForm.MatchString(d.Key) {
		bad(at, "attribute.key", "a key has 1 to 64 letters, digits, hyphens and underscores")
	}
	if !slices.Contains(attributeTypes, d.Type) {
		bad(at, "attribute.type", "give "+strings.Join(attributeTypes, ", ")+" as the type")
	}
	if d.Cardinality != "one" && d.Cardinality != "many" {
		bad(at, "attribute.cardinality", "give one or many as the cardinality")
	}
	if utf8.RuneCountInString(d.DisplayName) > 150 || utf8.RuneCountInString(d.Description) > 500 {
		bad(at, "attribute.length", "a display name has up to 150 characters, a description up to 500")
	}
	if d.Archived {
		bad(at, "attribute.active", "an archived attribute is of no use")
	}
}

func (w Webhook) check(bad complaint) {
	at := "webhook " + w.name()
	if !slices.Contains(services, w.Service) {
		bad(at, "webhook.service", "give "+strings.Join(services, ", ")+" as the service")
	}
	if !eventForm.MatchString(w.Event) {
		bad(at, "webhook.event", "give one event, such as conversation.created; each event is a subscription of its own")
	}
	seen := map[string]bool{}
	for _, f := range w.Filters {
		if f.Key == "" || f.Value == "" || seen[f.Key] {
			bad(at, "webhook.filter", "give each filter a key of its own and one value; each further value is a subscription of its own")
		}
		seen[f.Key] = true
	}
}

// checkEndpoints looks once at what several webhooks share.
func (s *Schema) checkEndpoints(addresses, keys bool, bad complaint) {
	checked := map[string]bool{}
	for _, w := range s.Webhooks {
		shared := w.Endpoint.URL + "\n" + string(w.Endpoint.SigningKey)
		if addresses && !checked[shared] {
			w.checkAddress(bad)
		}
		if keys && !checked[shared] {
			w.checkKey(bad)
		}
		checked[shared] = true
	}
}

func (w Webhook) checkAddress(bad complaint) {
	if fault := urlFault(w.Endpoint.URL); fault != "" {
		bad("webhook "+w.name(), "webhook.url", fault)
	}
}

// urlFault says why Bird would refuse an address, or never reach it; "" if it
// would not.
func urlFault(address string) string {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return "give the public address of the receiver"
	case err != nil || strings.ContainsAny(address, " \t\r\n"):
		return "the address is no URL; it has neither blanks nor line ends"
	case u.Scheme != "https":
		return "Bird only calls https addresses"
	case u.User != nil || u.Fragment != "":
		return "the address has neither a user nor a fragment"
	case net.ParseIP(u.Hostname()) != nil:
		return "Bird takes no IP address; give the receiver a name"
	case u.Port() != "" || strings.HasSuffix(u.Host, ":"):
		return "Bird takes no port; let the receiver be reached on 443"
	case !strings.Contains(u.Host, ".") || strings.HasSuffix(strings.ToLower(u.Host), ".localhost"):
		return "Bird reaches only public names, with dots; for a test use a tunnel"
	case !urlForm.MatchString(address):
		return "the host name has letters, digits and hyphens and ends in letters, and a query needs a path before it"
	}
	return ""
}

func (w Webhook) checkKey(bad complaint) {
	key := string(w.Endpoint.SigningKey)
	switch {
	case key == "":
		bad("webhook "+w.name(), "webhook.key", "give it a signing key: without one nothing proves the sender, and anybody can send us events")
	case len(key) < minKey:
		bad("webhook "+w.name(), "webhook.key", fmt.Sprintf("a signing key has at least %d random bytes; make one with: openssl rand -base64 32", minKey))
	case strings.TrimSpace(key) != key:
		bad("webhook "+w.name(), "webhook.key", "the signing key begins or ends with a blank or a line end, perhaps of the file it was read from")
	}
}
