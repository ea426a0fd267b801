package mapping

import (
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/urbanhub/crmsync/sync"
)

// LoadSet reads a set from YAML, as [Load] reads one map, and makes sure that
// it compiles:
//
//	version: 1
//	flows:
//	  - name: …                # as in the maps of [Load]
//	templates:                 # included by those of the activities
//	  body: "<p>{{.Data.property}}</p>"
//	activities:
//	  - name: tours
//	    fact: tour.scheduled
//	    when: data.conversation_id != ""
//	    system: hubspot
//	    kind: meeting
//	    key: bird_event_key
//	    unique: true           # or update: true, which creates nothing, with the clock of the record
//	    zone: America/Bogota
//	    patience: 24h
//	    relate:
//	      - {flow: contacts, required: true}
//	      - {flow: deals, kind: conversation, field: conversation_id}
//	    fields:
//	      - {name: hs_meeting_title, text: "AI Agent Activity: {{.Type}}"}
//	      - {name: hs_meeting_body, html: '{{template "body" .}}', max: 5000}
//	      - {name: hs_timestamp, text: "{{epoch .Data.starts_at}}", required: true}
//	triggers:
//	  - name: won
//	    flow: deals
//	    field: stage
//	    from: [contractsent]
//	    to: [closedwon]
//	    with: [contact_id]
//	    fact: deal.won
func LoadSet(name string, source []byte) (*Set, error) {
	set := &Set{}
	version := 0
	f, err := parse(name, source, setSetter(set, &version))
	if err != nil {
		return nil, err
	}
	if version == 0 {
		return nil, f.fail([]problem{{rule: "yaml.version", hint: "begin the file with version: 1"}})
	}
	if _, problems := set.compile(); len(problems) > 0 {
		return nil, f.fail(problems)
	}
	return set, nil
}

// setSetter tells where each key of a file belongs in the set.
func setSetter(s *Set, version *int) setter {
	return object(keys{
		"version":    choice(version, map[string]int{"1": 1}),
		"templates":  table(&s.Templates),
		"flows":      list(&s.Flows, specSetter),
		"activities": list(&s.Activities, activitySetter),
		"triggers":   list(&s.Triggers, triggerSetter),
	})
}

func activitySetter(a *ActivitySpec) setter {
	return object(keys{
		"name":      word(&a.Name),
		"fact":      word(&a.Fact),
		"when":      word(&a.When),
		"system":    word(&a.System),
		"kind":      word(&a.Kind),
		"key":       word(&a.Key),
		"unique":    flag(&a.Unique),
		"update":    flag(&a.Update),
		"clock":     word(&a.Clock),
		"zone":      word(&a.Zone),
		"templates": table(&a.Templates),
		"patience":  duration(&a.Patience),
		"relate":    list(&a.Relate, relateSetter),
		"fields":    list(&a.Fields, contentSetter),
	})
}

func contentSetter(c *Content) setter {
	return object(keys{
		"name":     word(&c.Name),
		"text":     word(&c.Text),
		"html":     word(&c.HTML),
		"max":      count(&c.Max),
		"required": flag(&c.Required),
	})
}

func relateSetter(r *Relate) setter {
	return object(keys{
		"flow":     word(&r.Flow),
		"kind":     word(&r.Kind),
		"field":    word(&r.Field),
		"required": flag(&r.Required),
	})
}

func triggerSetter(t *sync.Trigger) setter {
	return object(keys{
		"name":  word(&t.Name),
		"flow":  word(&t.Flow),
		"field": word(&t.Field),
		"from":  list(&t.From, word[string]),
		"to":    list(&t.To, word[string]),
		"with":  list(&t.With, word[string]),
		"fact":  word(&t.Fact),
	})
}

// duration reads a text such as 90m.
func duration(out *time.Duration) setter {
	return func(r *reader, path string, n *yaml.Node) {
		d, err := time.ParseDuration(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil || d < 0 {
			r.problem(path, n, "yaml.duration", "write a duration such as 90m or 24h")
			return
		}
		*out = d
	}
}
