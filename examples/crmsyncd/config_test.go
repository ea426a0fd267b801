package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// least is the shortest file that is right, with the secrets in the
// environment.
const least = `public_url: https://sync.example.com
bird:
  workspace: 5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11
`

// flowSecret is long enough.
const flowSecret = "flow-secret-0016"

func leastEnv() []string {
	return []string{
		"CRMSYNC_BIRD_ACCESS_KEY=bird-key", "CRMSYNC_BIRD_SIGNING_KEY=" + strings.Repeat("s", longKey), "CRMSYNC_BIRD_FLOW_SECRET=" + flowSecret,
		"CRMSYNC_HUBSPOT_TOKEN=token", "CRMSYNC_HUBSPOT_CLIENT_SECRET=client",
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads a file with variables besides the least.
func load(t *testing.T, file string, env ...string) (*config, error) {
	t.Helper()
	return loadConfig(write(t, "c.yaml", file), append(leastEnv(), env...))
}

func TestLeast(t *testing.T) {
	c, err := load(t, least)
	if err != nil {
		t.Fatal(err)
	}
	if c.Queue != "sqlite" || c.Control != "crmsync.db.sock" || c.Bird.AccessKey.text != "bird-key" {
		t.Errorf("the queue is %q, the control socket %q", c.Queue, c.Control)
	}
}

func TestVariablesWin(t *testing.T) {
	c, err := load(t, least+"listen: 127.0.0.1:1\nengine: {sweep_interval: 5m}\n", "CRMSYNC_LISTEN=127.0.0.1:2",
		"CRMSYNC_ENGINE_SWEEP_INTERVAL=10s", "CRMSYNC_MAPPING_LEAD_SOURCES=a,b", "CRMSYNC_LOG_LEVEL=")
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:2" || c.Engine.SweepInterval != 10*time.Second || !slices.Equal(c.Mapping.LeadSources, []string{"a", "b"}) || c.Log.Level != "info" {
		t.Errorf("listen %s, sweep %s, sources %v, level %q", c.Listen, c.Engine.SweepInterval, c.Mapping.LeadSources, c.Log.Level)
	}
}

func TestASecretInAFile(t *testing.T) {
	path := write(t, "token", "from a file\n")
	env := slices.DeleteFunc(leastEnv(), func(s string) bool { return strings.HasPrefix(s, "CRMSYNC_HUBSPOT_TOKEN") })
	c, err := loadConfig(write(t, "c.yaml", least), append(env, "CRMSYNC_HUBSPOT_TOKEN_FILE="+path))
	if err != nil {
		t.Fatal(err)
	}
	if c.HubSpot.Token.text != "from a file" || c.HubSpot.Token.file != path {
		t.Error("the secret is not that of the file")
	}
}

// Every mistake is named by its key and, where it was written, its line.
func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		env  []string
		want []string // key and place
	}{
		"not YAML":            {"a: [", nil, []string{"file c.yaml:2"}},
		"an unknown key":      {"lisen: 127.0.0.1:1\n", nil, []string{"lisen c.yaml:1"}},
		"an unknown key deep": {"mapping:\n  stage: {}\n", nil, []string{"mapping.stage c.yaml:2"}},
		"a key twice":         {"name: a\nname: b\n", nil, []string{"name c.yaml:2"}},
		"a list for a text":   {"name: [a]\n", nil, []string{"name c.yaml:1"}},
		"a text for a list":   {"dashboard:\n  plain: stage\n", nil, []string{"dashboard.plain c.yaml:2"}},
		"an object wanted":    {"bird: here\n", nil, []string{"bird c.yaml:1"}},
		"an alias":            {"name: &a x\nlisten: *a\n", nil, []string{"listen c.yaml:2"}},
		"a number":            {"hubspot: {portal: many}\n", nil, []string{"hubspot.portal c.yaml:1"}},
		"a duration":          {"engine: {sweep_interval: 5}\n", nil, []string{"engine.sweep_interval c.yaml:1"}},
		"true or false":       {"hubspot: {journal: perhaps}\n", nil, []string{"hubspot.journal c.yaml:1"}},
		"a duration by variable": {"", []string{"CRMSYNC_ALERTS_REPEAT=often"},
			[]string{"alerts.repeat CRMSYNC_ALERTS_REPEAT"}},
		"a secret in the file":    {"hubspot:\n  token: x\n", nil, []string{"hubspot.token c.yaml:2"}},
		"a secret twice":          {"", []string{"CRMSYNC_HUBSPOT_TOKEN_FILE=/x"}, []string{"hubspot.token CRMSYNC_HUBSPOT_TOKEN"}},
		"a secret's file":         {"", []string{"CRMSYNC_POSTGRES_URL_FILE=/there/is/none"}, []string{"postgres.url CRMSYNC_POSTGRES_URL_FILE"}},
		"an address":              {"listen: here\n", nil, []string{"listen c.yaml:1"}},
		"the same address":        {"listen: :1\nadmin_listen: :1\n", nil, []string{"admin_listen c.yaml:2"}},
		"a sweep before it began": {"engine: {sweep_interval: -1m}\n", nil, []string{"engine.sweep_interval c.yaml:1"}},
		"a stage that there is not": {"mapping:\n  stages: {lede: x}\n  peoples_stages: {y: lede}\n", nil,
			[]string{"mapping.peoples_stages c.yaml:3", "mapping.stages c.yaml:2"}},
		"a probe":             {"probe_url: localhost\n", nil, []string{"probe_url c.yaml:1"}},
		"an engine":           {"store: mysql\n", nil, []string{"queue ", "store c.yaml:1"}},
		"sqlite beside redis": {"store: redis\nqueue: sqlite\n", []string{"CRMSYNC_REDIS_URL=redis://r"}, []string{"queue c.yaml:2"}},
		"no postgres":         {"store: postgres\n", nil, []string{"postgres.url "}},
		"what is no postgres": {"store: postgres\n", []string{"CRMSYNC_POSTGRES_URL=postgres://a b"}, []string{"postgres.url CRMSYNC_POSTGRES_URL"}},
		"no redis":            {"queue: redis\nstore: memory\n", nil, []string{"redis.url "}},
		"names":               {"postgres: {schema: A-b}\nredis: {prefix: '{x}'}\n", nil, []string{"postgres.schema c.yaml:1", "redis.prefix c.yaml:2"}},
		"a log":               {"log: {level: loud, format: xml}\n", nil, []string{"log.format c.yaml:1", "log.level c.yaml:1"}},
		"OAuth by half":       {"", []string{"CRMSYNC_HUBSPOT_REFRESH_TOKEN=r"}, []string{"hubspot.client_id ", "hubspot.token CRMSYNC_HUBSPOT_TOKEN"}},
		"a journal":           {"hubspot: {journal: true}\n", nil, []string{"hubspot.client_id ", "hubspot.portal "}},
		"zones":               {"bird: {workspace: x, zone: Bogota}\nmapping: {zone: C}\n", nil, []string{"bird.zone c.yaml:1", "mapping.zone c.yaml:2"}},
		"a date alone":        {"bird: {workspace: x}\nreceivers: {old_secrets_until: 2026-05-01}\n", nil, []string{"receivers.old_secrets_until c.yaml:2"}},
		"an action":           {"hubspot:\n  actions:\n    send: {wait: 1h}\n", nil, []string{"hubspot.actions.send c.yaml:3"}},
		"rollouts":            {"rollout:\n  a: {percent: 101}\n  b: {}\n  c: {allow: [x]}\n", nil, []string{"rollout.a.percent c.yaml:2", "rollout.b c.yaml:3", "rollout.c.allow c.yaml:4"}},
		"a guard":             {"engine: {guard: {conflicts: 2}, stop_timeout: 1ms, watch_interval: 1ms, concurrency: -1}\n", nil, []string{"engine.concurrency c.yaml:1", "engine.guard c.yaml:1", "engine.stop_timeout c.yaml:1", "engine.watch_interval c.yaml:1"}},
		"a dashboard":         {"dashboard: {path: sync}\n", []string{"CRMSYNC_DASHBOARD_OPERATOR_PASSWORD=short"}, []string{"dashboard.operator_password CRMSYNC_DASHBOARD_OPERATOR_PASSWORD", "dashboard.path c.yaml:1"}},
		"hooks":               {"", []string{"CRMSYNC_ALERTS_SLACK_URL=http://hooks.example.com", "CRMSYNC_ALERTS_WEBHOOK_URL=x"}, []string{"alerts.slack_url CRMSYNC_ALERTS_SLACK_URL", "alerts.webhook_url CRMSYNC_ALERTS_WEBHOOK_URL"}},
		"a collector":         {"tracing:\n  endpoint: 127.0.0.1:4318\n  ratio: 0\n", nil, []string{"tracing.endpoint c.yaml:2", "tracing.ratio c.yaml:3"}},
		"a secret in the clear": {"tracing: {endpoint: 'http://collector.example.com'}\n", []string{"CRMSYNC_TRACING_AUTHORIZATION=Bearer x"},
			[]string{"tracing.endpoint c.yaml:1"}},
		"short secrets": {"", []string{"CRMSYNC_BIRD_FLOW_SECRET=fifteen letters", "CRMSYNC_BIRD_SIGNING_KEY=" + strings.Repeat("s", longKey-1)},
			[]string{"bird.flow_secret CRMSYNC_BIRD_FLOW_SECRET", "bird.signing_key CRMSYNC_BIRD_SIGNING_KEY"}},
		"objectives":             {"alerts: {objectives: {lag: 0s}}\n", nil, []string{"alerts.objectives c.yaml:1"}},
		"a file and the preset":  {"mapping: {file: m.yaml, contacts_only: true}\n", nil, []string{"mapping.file c.yaml:1"}},
		"a public URL with port": {"public_url: https://sync.example.com:8443\n", nil, []string{"public_url c.yaml:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			env := append(leastEnv(), "CRMSYNC_PUBLIC_URL=https://sync.example.com", "CRMSYNC_BIRD_WORKSPACE=w")
			if strings.Contains(c.file, "public_url") {
				env = append(leastEnv(), "CRMSYNC_BIRD_WORKSPACE=w")
			}
			_, err := loadConfig(write(t, "c.yaml", c.file), append(env, c.env...))
			if diff := cmp.Diff(c.want, places(err)); diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

// What is not YAML says nothing about what would be in it, nor about variables.
func TestWhatIsNotYAMLHasOneMistake(t *testing.T) {
	_, err := loadConfig(write(t, "c.yaml", least+"engine:\n\tsweep_interval: 1m\n"), nil)
	if diff := cmp.Diff([]string{"file c.yaml:5"}, places(err)); diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// Who wrote the same address twice is not told how to write one.
func TestTheSameAddressIsToldAsSuch(t *testing.T) {
	_, err := load(t, least+"listen: 127.0.0.1:1\nadmin_listen: 127.0.0.1:1\n")
	if err == nil || !strings.Contains(err.Error(), "another address than listen") {
		t.Errorf("%v", err)
	}
}

// A name that the mapping does not have is told with those that it has.
func TestNamesThatTheMappingHasNot(t *testing.T) {
	for file, want := range map[string]string{
		"rollout: {contacts: {shadow: true}}\n":  "urbanhub-contacts, urbanhub-deals",
		"dashboard: {plain: [phone, nothing]}\n": "phone",
	} {
		c, err := load(t, least+file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.compile(nil)
		if places(err) == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
	c, err := load(t, least+"dashboard: {plain: [phone, stage]}\nrollout: {urbanhub-contacts: {shadow: true}}\n")
	if err == nil {
		_, err = c.compile(nil)
	}
	if err != nil {
		t.Error("names that there are:", err)
	}
}

// A file takes the place of the preset: no option of that is passed over, but
// those that hold beside a file, too.
func TestAFileBesideEachOptionOfThePreset(t *testing.T) {
	for key, v := range keysOf(reflect.ValueOf(&mappingConfig{}).Elem()) {
		if key == "file" {
			continue
		}
		text := map[reflect.Kind]string{reflect.Bool: "true", reflect.String: "UTC", reflect.Slice: "[a]", reflect.Map: "{a: b}"}[v.Kind()]
		_, err := load(t, least+"mapping: {file: m.yaml, "+key+": "+text+"}\n")
		var want []string
		if key != "region" && key != "workflow_messages" {
			want = []string{"mapping.file c.yaml:4"}
		}
		if diff := cmp.Diff(want, places(err)); diff != "" {
			t.Errorf("%s beside a file: %v\n%s", key, err, diff)
		}
	}
	if _, err := load(t, least+"mapping: {file: m.yaml, lead_sources: [], stages: {}, contacts_only: false, pipeline: ''}\n"); err != nil {
		t.Error("options that say nothing:", err)
	}
}

// Nothing but a public address and secrets has to be told, and each is asked for.
func TestNothing(t *testing.T) {
	_, err := loadConfig(write(t, "c.yaml", ""), nil)
	want := []string{"bird.access_key ", "bird.flow_secret ", "bird.signing_key ", "bird.workspace ", "hubspot.client_secret ", "hubspot.token ", "public_url "}
	if diff := cmp.Diff(want, places(err)); diff != "" {
		t.Error(diff)
	}
	_, err = loadConfig(filepath.Join(t.TempDir(), "none.yaml"), nil)
	if diff := cmp.Diff([]string{"--config "}, places(err)); diff != "" {
		t.Error(diff)
	}
}

// places are the keys of problems and where they were written.
func places(err error) []string {
	var found problems
	errors.As(err, &found)
	var out []string
	for _, p := range found {
		out = append(out, p.Key+" "+filepath.Base(p.At))
		if p.At == "" {
			out[len(out)-1] = p.Key + " "
		}
	}
	return out
}

// The file that shows every key is right, and shows every key.
func TestTheReferenceFileShowsEveryKey(t *testing.T) {
	source, err := os.ReadFile("crmsyncd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loadConfig("crmsyncd.yaml", leastEnv()); err != nil {
		t.Error(err)
	}
	for name := range variables() {
		key := strings.ToLower(strings.TrimPrefix(name, prefix))
		if secret := bytes.Contains(source, []byte("#   "+name)); !secret && !strings.HasSuffix(name, "_FILE") && name != prefix+"CONFIG" && !shows(source, key) {
			t.Errorf("%s is missing", name)
		}
	}
}

// What it shows commented out has keys that there are, too.
func TestTheReferenceFileUncommented(t *testing.T) {
	source, err := os.ReadFile("crmsyncd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, settings, _ := strings.Cut(string(source), "\n# name:")
	settings = "name:" + strings.ReplaceAll(settings, "\n# ", "\n")
	_, err = load(t, strings.ReplaceAll(settings, "\n#  ", "\n  "))
	var found problems
	errors.As(err, &found)
	for _, p := range found {
		if strings.Contains(p.Hint, "no such key") || p.Key == "file" {
			t.Error(p)
		}
	}
	if len(found) == 0 {
		t.Error("a file and options of the preset beside it are taken")
	}
}

// shows reports whether a file has a key, whose path is written with _.
func shows(source []byte, key string) bool {
	section := ""
	for line := range strings.Lines(string(source)) {
		text := strings.TrimPrefix(line, "# ")
		name, _, ok := strings.Cut(strings.TrimSpace(text), ":")
		if !ok || strings.Contains(name, " ") {
			continue
		}
		switch indent := len(text) - len(strings.TrimLeft(text, " ")); indent {
		case 0:
			section = name
		case 2:
			name = section + "_" + name
		default:
			name = section + "_" + name
			for _, group := range []string{"guard", "objectives"} {
				if key == section+"_"+group+strings.TrimPrefix(name, section) {
					return true
				}
			}
		}
		if name == key {
			return true
		}
	}
	return false
}
