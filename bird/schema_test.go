package bird_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

func TestSchemaRules(t *testing.T) {
	attribute := func(d bird.AttributeDefinition) bird.Schema {
		return bird.Schema{Attributes: []bird.AttributeDefinition{d}}
	}
	hook := func(change func(*bird.Webhook)) bird.Schema {
		s := oneWebhook("conversation.created")
		change(&s.Webhooks[0])
		return s
	}
	for _, tt := range []struct {
		name   string
		schema bird.Schema
		rule   string // "" is valid
	}{
		{"nothing", bird.Schema{}, ""},
		{"preset", urban(t), ""},
		{"attribute", attribute(bird.AttributeDefinition{Key: "property-Interest_2"}), ""},
		{"key with a dot", attribute(bird.AttributeDefinition{Key: "sync.fase"}), "attribute.key"},
		{"Bird's own key with a dot", attribute(bird.AttributeDefinition{Key: "sync.fase", Builtin: true}), ""},
		{"key with an accent", attribute(bird.AttributeDefinition{Key: "interés"}), "attribute.key"},
		{"no key", attribute(bird.AttributeDefinition{Builtin: true}), "attribute.key"},
		{"key of 64", attribute(bird.AttributeDefinition{Key: strings.Repeat("k", 64)}), ""},
		{"key of 65", attribute(bird.AttributeDefinition{Key: strings.Repeat("k", 65)}), "attribute.key"},
		{"type", attribute(bird.AttributeDefinition{Key: "k", Type: "enumeration"}), "attribute.type"},
		{"cardinality", attribute(bird.AttributeDefinition{Key: "k", Cardinality: "two"}), "attribute.cardinality"},
		{"display name of 150", attribute(bird.AttributeDefinition{Key: "k", DisplayName: strings.Repeat("é", 150)}), ""},
		{"display name of 151", attribute(bird.AttributeDefinition{Key: "k", DisplayName: strings.Repeat("n", 151)}), "attribute.length"},
		{"description of 501", attribute(bird.AttributeDefinition{Key: "k", Description: strings.Repeat("n", 501)}), "attribute.length"},
		{"archived", attribute(bird.AttributeDefinition{Key: "k", Archived: true}), "attribute.active"},
		{"attribute twice", bird.Schema{Attributes: []bird.AttributeDefinition{{Key: "k"}, {Key: "k"}}}, "attribute.once"},
		{"identifier", bird.Schema{Identifier: bird.Identifier{Key: strings.Repeat("k", 65)}}, "identifier.key"},
		{"mirror alone", bird.Schema{Identifier: bird.Identifier{Mirror: "m"}}, "identifier.key"},
		{"mirror with a dot", bird.Schema{Identifier: bird.Identifier{Key: "k", Mirror: "a.b"}}, "attribute.key"},
		{"mirror that is defined", bird.Schema{Identifier: bird.Identifier{Key: "k", Mirror: "m"}, Attributes: []bird.AttributeDefinition{{Key: "m"}}}, ""},
		{"service", hook(func(w *bird.Webhook) { w.Service = "contacts" }), "webhook.service"},
		{"no event", hook(func(w *bird.Webhook) { w.Event = "" }), "webhook.event"},
		{"several events", hook(func(w *bird.Webhook) { w.Event = "conversation.created,conversation.updated" }), "webhook.event"},
		{"filters", hook(func(w *bird.Webhook) {
			w.Filters = []bird.Filter{{"platformId", "whatsapp"}, {"channelStatus", "active"}}
		}), ""},
		{"filter twice", hook(func(w *bird.Webhook) {
			w.Filters = []bird.Filter{{"messageStatus", "sent"}, {"messageStatus", "failed"}}
		}), "webhook.filter"},
		{"filter without a value", hook(func(w *bird.Webhook) { w.Filters = []bird.Filter{{"messageStatus", ""}} }), "webhook.filter"},
		{"webhook twice", bird.Schema{Endpoint: bird.Endpoint{URL: receiverURL, SigningKey: signingKey}, Webhooks: []bird.Webhook{
			{Event: "a.b", Filters: []bird.Filter{{"x", "1"}, {"y", "2"}}}, {Event: "a.b", Filters: []bird.Filter{{"y", "2"}, {"x", "1"}}}}}, "webhook.once"},
		{"no key", hook(func(w *bird.Webhook) { w.Endpoint.SigningKey = "short" }), "webhook.key"},
		{"key of 31", hook(func(w *bird.Webhook) { w.Endpoint.SigningKey = bird.Secret(strings.Repeat("k", 31)) }), "webhook.key"},
		{"key of 32", hook(func(w *bird.Webhook) { w.Endpoint.SigningKey = bird.Secret(strings.Repeat("k", 32)) }), ""},
		{"key with a line end", hook(func(w *bird.Webhook) { w.Endpoint.SigningKey = signingKey + "\n" }), "webhook.key"},
		{"keys of two endpoints", bird.Schema{Webhooks: []bird.Webhook{{Event: "a.b", Endpoint: bird.Endpoint{URL: receiverURL, SigningKey: signingKey}},
			{Event: "a.c", Endpoint: bird.Endpoint{URL: receiverURL}}}}, "webhook.key"},
		{"channel", bird.Schema{Channels: []string{"../contacts"}}, "channel.id"},
		{"channel of a filter", hook(func(w *bird.Webhook) { w.Filters = []bird.Filter{{"channelId", "whatsapp"}} }), "channel.id"},
		{"task", bird.Schema{ByHand: []bird.Task{{What: "flow", Name: "contact.updated"}}}, "task.form"},
	} {
		err := tt.schema.Validate()
		if tt.rule == "" && err != nil || tt.rule != "" && (err == nil || !strings.Contains(err.Error(), tt.rule) || sync.ActionOf(err) != sync.Fatal) {
			t.Errorf("%s: %v, want rule %q", tt.name, err, tt.rule)
		}
	}
}

func TestEndpointAddresses(t *testing.T) {
	for address, word := range map[string]string{
		"https://sync.example.com":                   "",
		"https://sync.example.com/":                  "",
		"https://sync.example.com/bird?tenant=a":     "",
		"https://a-b.example.co/x/y":                 "",
		"":                                           "public address",
		"http://sync.example.com/bird":               "https",
		"sync.example.com/bird":                      "https",
		"https://sync.example.com:443/bird":          "port",
		"https://sync.example.com:/bird":             "port",
		"https://203.0.113.7/bird":                   "IP",
		"https://[2001:db8::1]/bird":                 "IP",
		"https://localhost/bird":                     "public names",
		"https://sync.localhost/bird":                "public names",
		"https://receiver/bird":                      "public names",
		"https://sync.example.com?tenant=a":          "path before",
		"https://sync.example.c/bird":                "letters",
		"https://sync_1.example.com/bird":            "letters",
		"https://sync.example.com./bird":             "letters",
		"https://user@sync.example.com/bird":         "user",
		"https://sync.example.com/bird#part":         "fragment",
		"https://sync.example.com/bird ":             "blanks",
		"https://sync.example.com/\nbird":            "no URL",
		"https://sync.example.com/bird?next=%zz\x7f": "no URL",
	} {
		need := oneWebhook("conversation.created")
		need.Endpoint.URL = address
		err := need.Validate()
		if word == "" && err != nil || word != "" && (err == nil || !strings.Contains(err.Error(), "webhook.url") || !strings.Contains(err.Error(), word)) {
			t.Errorf("%q: %v, want %q", address, err, word)
		}
	}
}

// birdsURL is the pattern of the reference of create-a-webhook-subscription.
var birdsURL = regexp.MustCompile(`^https://([a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}(/[^\s]*)?$`)

// What the check of addresses lets pass, Bird's own pattern does, too.
func TestAddressesThatPassFitBirdsPattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.StringMatching(`[a-zA-Z0-9.:_@-]{1,20}`).Draw(t, "host")
		rest := rapid.StringMatching(`[/?#a-z =%]{0,8}`).Draw(t, "rest")
		need := oneWebhook("conversation.created")
		need.Endpoint.URL = "https://" + host + rest
		if err := need.Validate(); err == nil && !birdsURL.MatchString(need.Endpoint.URL) {
			t.Fatalf("%q passes", need.Endpoint.URL)
		}
	})
}

func TestParseSchema(t *testing.T) {
	if _, err := bird.ParseSchema(urbanhub.BirdSchema()); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"no JSON":       `{`,
		"two objects":   `{}{}`,
		"unknown key":   `{"atributes":[]}`,
		"a signing key": `{"endpoint":{"url":"https://sync.example.com","signingKey":"` + signingKey + `"}}`,
		"an attribute":  `{"attributes":[{"key":"a b"}]}`,
	} {
		if _, err := bird.ParseSchema([]byte(text)); sync.ActionOf(err) != sync.Fatal || strings.Contains(err.Error(), signingKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	need, err := bird.ParseSchema(urbanhub.BirdSchema())
	if err != nil || need.Validate() == nil {
		t.Errorf("a schema without an endpoint is complete: %v", err)
	}
	if n := strings.Count(fmt.Sprint(need.Validate()), "webhook.url"); n != 1 {
		t.Errorf("one missing endpoint has %d errors", n)
	}
}
