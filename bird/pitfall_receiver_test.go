package bird_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// One test for each mistake that others made with Bird's webhooks, named after
// its number in the list of pitfalls.

// distinct returns the ids of the facts as an engine keeps them: each once.
func distinct(facts []sync.Fact) map[string]sync.Fact {
	all := map[string]sync.Fact{}
	for _, f := range facts {
		if _, known := all[f.ID]; !known {
			all[f.ID] = f
		}
	}
	return all
}

func TestPitfall01FreshnessWindow(t *testing.T) {
	body, now := payload(t, "event-whatsapp-inbound"), time.Now()
	for _, tt := range []struct {
		at     time.Time
		status int
	}{
		{now, 204}, {now.Add(-5 * time.Minute), 204}, {now.Add(-4 * time.Hour), 204}, {now.Add(-8 * time.Hour), 204},
		{now.Add(-23*time.Hour - 59*time.Minute), 204}, {now.Add(-24*time.Hour - time.Minute), 401},
		{now.Add(4 * time.Minute), 204}, {now.Add(6 * time.Minute), 401},
	} {
		in := &inbox{}
		equal(t, now.Sub(tt.at).String(), answer(receiver(t, in), hook(body, hookKey, tt.at)), tt.status)
		equal(t, "facts", len(in.facts()) == 1, tt.status == 204)
	}
}

// outbound is the news that a message has a status.
func outbound(message string, status bird.MessageStatus) string {
	return fmt.Sprintf(`{"service":"channels","event":"whatsapp.outbound","payload":{"id":%q,"channelId":"ch1","status":%q,
		"direction":"outgoing","receiver":{"contacts":[{"id":"c1"}]},"body":{"type":"text","text":{"text":"Hello"}},
		"createdAt":"2026-01-22T04:18:02.100Z","updatedAt":"2026-01-22T04:18:0%dZ"}}`, message, status, len(status)%10)
}

func TestPitfall02OldEventsRegressNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		way := []bird.MessageStatus{bird.StatusAccepted, bird.StatusProcessing, bird.StatusSent, bird.StatusDelivered, bird.StatusRead}
		in := &inbox{}
		rc := receiver(t, in)
		for _, status := range rapid.Permutation(append(way, way...)).Draw(rt, "arrival") {
			if got := answer(rc, hook(outbound("m1", status), hookKey, time.Now().Add(-time.Hour))); got != 204 {
				rt.Fatalf("answered %d", got)
			}
		}
		var last bird.MessageStatus
		for _, f := range in.facts() {
			if s := bird.MessageStatus(f.Data["message_status"].(string)); s.After(last) {
				last = s
			}
		}
		facts := distinct(in.facts())
		if _, sent := facts["bird:message.sent:m1"]; !sent || len(facts) != 1 || last != bird.StatusRead {
			rt.Fatalf("%d facts, status %s", len(facts), last)
		}
	})
}

// TestPitfall03LateOwnMessage: what a program says is no take-over, however
// late it is told.
func TestPitfall03LateOwnMessage(t *testing.T) {
	const bot = `"attributes":{"llmbotIds":"b1"},`
	talk := func(attributes, sender, participants string) string {
		return `{"event":"conversation.updated","payload":{"id":"v1","status":"active",` + attributes + `
			"initiatingParticipant":{"id":"c1","type":"contact"},"featuredParticipants":[` + participants + `{"id":"c1","type":"contact"}],
			"lastMessage":{"id":"m1","type":"text","sender":{` + sender + `},"preview":{"text":"Hi"}},"updatedAt":"2026-01-22T05:00:00Z"}}`
	}
	const user, robot = `{"id":"u1","type":"user","status":"active"},`, `{"id":"b1","type":"bot"},`
	for name, tt := range map[string]struct {
		body      string
		escalated []string
	}{
		"the bot's own":                  {talk(bot, `"id":"b1","type":"bot"`, robot), nil},
		"a Flow's":                       {talk(bot, `"id":"f1","type":"flow"`, robot), nil},
		"our own program's":              {talk(bot, `"id":"k1","type":"accessKey"`, robot), nil},
		"nobody's":                       {talk(bot, ``, robot), nil},
		"the channel tells no sender":    {outbound("m1", bird.StatusSent), nil},
		"a person's":                     {talk(bot, `"id":"u1","type":"user"`, robot), []string{"u1"}},
		"a person's, the bot is present": {talk("", `"id":"u1","type":"user"`, robot), []string{"u1"}},
		"a person's, in a talk of hers":  {talk("", `"id":"u1","type":"user"`, ""), nil},
		"a person has joined":            {talk(bot, `"id":"b1","type":"bot"`, user), []string{"u1"}},
		"and has written":                {talk(bot, `"id":"u1","type":"user"`, user), []string{"u1"}},
		"and another one writes":         {talk(bot, `"id":"u2","type":"user"`, user), []string{"u2", "u1"}},
		"one was asked to":               {talk(bot, `"id":"b1","type":"bot"`, `{"id":"u1","type":"user","status":"pending"},`), nil},
		"a person began": {strings.Replace(talk(bot, `"id":"u1","type":"user"`, user),
			`{"id":"c1","type":"contact"},"featured`, `{"id":"u1","type":"user"},"featured`, 1), nil},
	} {
		in := &inbox{}
		equal(t, name, answer(receiver(t, in), hook(tt.body, hookKey, time.Now().Add(-29*time.Minute))), 204)
		var agents []string
		for _, f := range in.facts() {
			if f.Type == "escalation.triggered" {
				agent, _ := strings.CutPrefix(f.ID, "bird:escalation.triggered:v1:")
				agents = append(agents, agent)
			}
		}
		equal(t, name, agents, tt.escalated)
	}
}

func TestPitfall04OneFactPerOutboundMessage(t *testing.T) {
	in := &inbox{}
	rc := receiver(t, in)
	for _, status := range []bird.MessageStatus{"accepted", "processing", "sent", "delivered", "read", "sent"} {
		equal(t, string(status), answer(rc, hook(outbound("m1", status), hookKey, time.Now())), 204)
	}
	looks := map[string]bool{}
	for _, c := range in.changes() {
		looks[c.ID] = true
	}
	equal(t, "looks at the contact", len(looks), 1)
	equal(t, "facts", len(distinct(in.facts())), 1)
}

func TestPitfall04FailureIsItsOwnFact(t *testing.T) {
	in := &inbox{}
	rc := receiver(t, in)
	for _, status := range []bird.MessageStatus{"accepted", "sent", "delivery_failed", "delivery_failed"} {
		answer(rc, hook(outbound("m1", status), hookKey, time.Now()))
	}
	facts := distinct(in.facts())
	equal(t, "facts", len(facts), 2)
	failed := facts["bird:message.failed:m1"]
	equal(t, "failed", []any{failed.Type, failed.Data["message_status"], failed.OccurredAt.IsZero()},
		[]any{"message.failed", any("delivery_failed"), false})
	equal(t, "sent", facts["bird:message.sent:m1"].Data["message_status"], any("accepted"))
}

func TestPitfall05InboxMessagesHaveNoBody(t *testing.T) {
	s, a := connect(t, &birdtest.Options{StatusDelay: -1, IndexDelay: -1})
	in, wait := listen(t, s, "whatsapp.outbound")
	talk := s.StartConversation(create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"}))
	message := s.InboxSays(talk, "I will show you around myself.")
	wait()
	f := distinct(in.facts())["bird:message.sent:"+message]
	equal(t, "text of the event", f.Data["text"], nil)
	f, err := a.Enrich(context.Background(), f)
	equal(t, "enriched", []any{err, f.Data["text"], f.Data["sender_type"]}, []any{nil, any("I will show you around myself."), any("user")})
}

func TestPitfall06PreviewsAreCut(t *testing.T) {
	s, a := connect(t, &birdtest.Options{StatusDelay: -1, IndexDelay: -1})
	in, wait := listen(t, s, "conversation.updated")
	talk := s.StartConversation(create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"}))
	long := strings.Repeat("¿Está disponible el apartamento? ", 20)
	short, cut := s.ContactSays(talk, "Hola"), s.ContactSays(talk, long)
	wait()
	facts := distinct(in.facts())
	equal(t, "a short one is whole", facts["bird:message.received:"+short].Data["preview"], nil)
	f := facts["bird:message.received:"+cut]
	equal(t, "a long one is not", []any{f.Data["preview"], f.Data["text"] == long}, []any{any("true"), false})
	f, err := a.Enrich(context.Background(), f)
	equal(t, "enriched", []any{err, f.Data["preview"], f.Data["text"], f.Data["platform"], f.Data["direction"]},
		[]any{nil, nil, any(long), any("whatsapp"), any("inbound")})
}

// TestPitfall07URLBehindProxies signs for the public address what arrives at
// another one: see also the tests of rebuilt URLs.
func TestPitfall07URLBehindProxies(t *testing.T) {
	const public = "https://sync.example.com/bird?tenant=acme"
	for name, opts := range map[string]bird.ReceiverOptions{
		"configured": {PublicURL: public},
		"rebuilt": {Origins: []string{"https://sync.example.com"},
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
	} {
		s := birdtest.NewServer(nil)
		defer s.Close()
		in := &inbox{}
		opts.Secrets = []string{"key"}
		rc, err := bird.NewReceiver(in, opts)
		if err != nil {
			t.Fatal(err)
		}
		web := httptest.NewServer(rc)
		defer web.Close()
		s.Proxy("https://sync.example.com", web.URL)
		s.Subscribe("conversation.created", public, "key")
		s.StartConversation(create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"}))
		if err := s.WaitWebhooks(context.Background()); err != nil {
			t.Fatal(err)
		}
		equal(t, name, len(in.facts()), 1)
	}
}

func TestPitfall08RawBody(t *testing.T) {
	const raw = "{ \"event\" : \"number.bought\",\r\n \"payload\":{\"n\":1.0,\"é\":\"\\u00e9/\"} }\n"
	equal(t, "as sent", answer(receiver(t, &inbox{}), hook(raw, hookKey, time.Now())), 204)
	var again bytes.Buffer
	if err := json.Compact(&again, []byte(raw)); err != nil {
		t.Fatal(err)
	}
	r := hook(raw, hookKey, time.Now())
	forged := httptest.NewRequest(http.MethodPost, "/", &again)
	forged.Header = r.Header
	equal(t, "written anew", answer(receiver(t, &inbox{}), forged), 401)
}

func TestPitfall09HexBodyHash(t *testing.T) {
	for _, v := range vectors(t).Workspace.Vectors {
		sum := sha256.Sum256([]byte(v.Body))
		m := hmac.New(sha256.New, []byte(v.Key))
		fmt.Fprintf(m, "%s\n%s\n%x", v.Timestamp, v.URL, sum)
		inHex := base64.StdEncoding.EncodeToString(m.Sum(nil))
		equal(t, v.Name, inHex, v.MustNotMatch["hex_body_hash"])
		equal(t, v.Name, authentic(t, []string{v.Key}, v.URL, v.Timestamp, v.Body, v.own(inHex)), false)
	}
}

// TestPitfall10OtherSchemes: Bird's older platform signs a token or the query
// string, its newer one a Standard Webhook. None of them is taken here.
func TestPitfall10OtherSchemes(t *testing.T) {
	const address = "https://sync.example.com/bird"
	file := vectors(t)
	for _, v := range file.QueryString.Vectors {
		url := strings.TrimSuffix(address+"?"+v.Middle, "?")
		equal(t, "query string", authentic(t, []string{v.Key}, url, v.Timestamp, v.Body, map[string]string{
			"MessageBird-Signature": v.Signature, "MessageBird-Request-Timestamp": v.Timestamp}), false)
	}
	for _, v := range file.Standard.Vectors {
		standard := map[string]string{"webhook-id": v.ID, "webhook-timestamp": v.Timestamp, "webhook-signature": v.Signature}
		equal(t, "Standard Webhook", authentic(t, []string{v.Secret}, address, v.Timestamp, v.Body, standard), false)
		_, signature, _ := strings.Cut(v.Signature, ",")
		standard["messagebird-signature"], standard["messagebird-request-timestamp"] = signature, v.Timestamp
		equal(t, "Standard Webhook under our names", authentic(t, []string{v.Secret}, address, v.Timestamp, v.Body, standard), false)
	}
	for _, header := range []string{"MessageBird-Signature-JWT", "messagebird-signature"} {
		equal(t, header, authentic(t, []string{"key"}, address, "1719823259", "{}", map[string]string{
			header: token("key", address, "{}"), "messagebird-request-timestamp": "1719823259"}), false)
	}
}

// token is a webhook's signature in the manner of the older platform, valid
// there.
func token(key, url, body string) string {
	part := base64.RawURLEncoding.EncodeToString
	hash := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	text := part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part(fmt.Appendf(nil,
		`{"iss":"MessageBird","nbf":1719823259,"exp":1719823319,"jti":"1","url_hash":%q,"payload_hash":%q}`, hash(url), hash(body)))
	m := hmac.New(sha256.New, []byte(key))
	_, _ = m.Write([]byte(text))
	return text + "." + part(m.Sum(nil))
}

func TestPitfall11NoSecretNoReceiver(t *testing.T) {
	for _, secrets := range [][]string{nil, {}, {""}, {"key", ""}, {"key\n"}} {
		_, err := bird.NewReceiver(&inbox{}, bird.ReceiverOptions{PublicURL: hookURL, Secrets: secrets})
		equal(t, "rule", failure(t, err, sync.Fatal).Rule, "receiver.keys")
	}
	in := &inbox{}
	equal(t, "signed with an empty key", answer(receiver(t, in), hook(payload(t, "event-whatsapp-inbound"), "", time.Now())), 401)
	equal(t, "items", len(in.items), 0)
}

func TestPitfall12EverySubscriptionHasItsKey(t *testing.T) {
	keys := []string{"of conversations", "of whatsapp", "of sms, old", "of sms, new"}
	in := &inbox{}
	rc, err := bird.NewReceiver(in, bird.ReceiverOptions{PublicURL: hookURL, Secrets: keys})
	if err != nil {
		t.Fatal(err)
	}
	body := payload(t, "event-whatsapp-inbound")
	for _, key := range keys {
		equal(t, key, answer(rc, hook(body, key, time.Now())), 204)
	}
	equal(t, "a key of nobody's", answer(rc, hook(body, "of sms, older", time.Now())), 401)
}

// TestPitfall13Cloudflare: what looks like a bot is welcome here, so an
// exception in the firewall suffices.
func TestPitfall13Cloudflare(t *testing.T) {
	for _, agent := range []string{"", "Go-http-client/2.0", "curl/8.5.0"} {
		r := hook(`{"event":"number.bought"}`, hookKey, time.Now())
		r.Header.Set("User-Agent", agent)
		r.Header.Del("Content-Type")
		equal(t, agent, answer(receiver(t, &inbox{}), r), 204)
	}
}

func TestPitfall14UnknownEventsAreWelcome(t *testing.T) {
	for event, outcome := range map[string]bird.Outcome{
		"whatsapp.interaction": bird.Ignored, "channel.created": bird.Ignored, "channel.updated": bird.Ignored,
		"voice.inbound": bird.Ignored, "conversation.resolved": bird.Unknown, "contact.created": bird.Unknown,
		"message.created": bird.Unknown, "inbound": bird.Unknown, ".": bird.Unknown, "": bird.Unknown,
	} {
		in, told := &inbox{}, []any(nil)
		rc, err := bird.NewReceiver(in, bird.ReceiverOptions{PublicURL: hookURL, Secrets: []string{hookKey},
			OnEvent: func(event string, o bird.Outcome) { told = append(told, event, o) }})
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"service":"x","event":%q,"payload":{"id":"m1","sender":{"contact":{"id":"c1"}}}}`, event)
		equal(t, event, answer(rc, hook(body, hookKey, time.Now())), 204)
		equal(t, event, told, []any{event, outcome})
		equal(t, event, len(in.items), 0)
	}
}

// TestPitfall18ConversationOfAChannelMessage is only in its context, and there
// not at once.
func TestPitfall18ConversationOfAChannelMessage(t *testing.T) {
	early := outbound("m1", bird.StatusAccepted)
	late := strings.Replace(outbound("m1", bird.StatusSent), `"channelId"`, `"context":{"type":"conversation_message","id":"v1:m1:c1"},"channelId"`, 1)
	in := &inbox{}
	rc := receiver(t, in)
	answer(rc, hook(early, hookKey, time.Now()))
	answer(rc, hook(late, hookKey, time.Now()))
	facts := in.facts()
	equal(t, "conversation", []any{facts[0].Data["conversation_id"], facts[1].Data["conversation_id"]}, []any{nil, any("v1")})
	equal(t, "facts", len(distinct(facts)), 1)
}

// TestPitfall38ChangedURL: a subscription that still names the old address is
// refused. Only the log says why.
func TestPitfall38ChangedURL(t *testing.T) {
	var log bytes.Buffer
	rc, err := bird.NewReceiver(&inbox{}, bird.ReceiverOptions{PublicURL: "https://new.example.com/webhooks/bird", Secrets: []string{hookKey},
		Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	rc.ServeHTTP(w, hook(`{"event":"number.bought"}`, hookKey, time.Now()))
	equal(t, "answer", []any{w.Code, w.Body.String()}, []any{401, "Unauthorized\n"})
	if !strings.Contains(log.String(), "public URL") || strings.Contains(log.String(), hookKey) {
		t.Error(log.String())
	}
}

// listen subscribes a receiver to events of the workspace. Wait returns when
// all have arrived.
func listen(t *testing.T, s *birdtest.Server, events ...string) (in *inbox, wait func()) {
	t.Helper()
	return listenFor(t, s, bird.ReceiverOptions{}, events...)
}

func listenFor(t *testing.T, s *birdtest.Server, opts bird.ReceiverOptions, events ...string) (in *inbox, wait func()) {
	t.Helper()
	in = &inbox{}
	var target http.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { target.ServeHTTP(w, r) }))
	t.Cleanup(web.Close)
	opts.PublicURL, opts.Secrets = web.URL+"/bird", []string{"key"}
	rc, err := bird.NewReceiver(in, opts)
	if err != nil {
		t.Fatal(err)
	}
	target = rc
	for _, event := range events {
		s.Subscribe(event, web.URL+"/bird", "key")
	}
	return in, func() {
		t.Helper()
		if err := s.WaitWebhooks(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}
