package mapping

import (
	"fmt"
	"maps"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// A Set is everything that a deployment syncs: how records correspond, how
// facts are recorded, and which transitions make facts. It is plain data,
// written in Go or read from one YAML file by [LoadSet].
type Set struct {
	// Templates are shared by the activities, beside those of their own.
	Templates  map[string]string
	Flows      []Spec
	Activities []ActivitySpec
	Triggers   []sync.Trigger
}

// A Compiled set is what the engine runs.
type Compiled struct {
	Flows      []*sync.Flow
	Activities []*sync.Activity
	Triggers   []sync.Trigger
}

// AddTo adds everything to an engine's configuration.
func (c *Compiled) AddTo(cfg *sync.Config) {
	cfg.Flows = append(cfg.Flows, c.Flows...)
	cfg.Activities = append(cfg.Activities, c.Activities...)
	cfg.Triggers = append(cfg.Triggers, c.Triggers...)
}

// Compile compiles the set, in which activities and triggers name only flows
// of the set. The error joins everything that is wrong, each an [*sync.Error]
// of action Fatal with a [*Position] inside.
func (s *Set) Compile() (*Compiled, error) {
	out, problems := s.compile()
	if len(problems) > 0 {
		return nil, fail("mapping", problems, nil)
	}
	return out, nil
}

func (s *Set) compile() (*Compiled, []problem) {
	c := &setCompiler{set: s, out: &Compiled{}, broken: map[string]bool{}}
	for i := range s.Flows {
		flow, problems := s.Flows[i].compile()
		c.take(fmt.Sprintf("flows[%d]", i), problems)
		c.broken[s.Flows[i].Name] = len(problems) > 0
		c.out.Flows = append(c.out.Flows, flow)
	}
	for i := range s.Activities {
		spec := s.Activities[i]
		shared := maps.Clone(s.Templates)
		if shared == nil {
			shared = map[string]string{}
		}
		maps.Copy(shared, spec.Templates)
		spec.Templates = shared
		a, problems := spec.compile()
		c.take(fmt.Sprintf("activities[%d]", i), problems)
		c.out.Activities = append(c.out.Activities, a)
	}
	c.names()
	c.relations()
	for i := range s.Triggers {
		c.trigger(i)
	}
	return c.out, c.problems
}

// A setCompiler compiles a set and sees to what its parts say of one another.
type setCompiler struct {
	set      *Set
	out      *Compiled
	problems []problem
	broken   map[string]bool // flows with problems of their own
}

func (c *setCompiler) problem(path, field, rule, hint string) {
	c.problems = append(c.problems, problem{path: path, field: field, rule: rule, hint: hint})
}

// take moves problems of a part below its path.
func (c *setCompiler) take(path string, problems []problem) {
	for _, p := range problems {
		if p.path == "" {
			p.path = path
		} else {
			p.path = path + "." + p.path
		}
		c.problems = append(c.problems, p)
	}
}

// names wants every part to have a name of its own.
func (c *setCompiler) names() {
	var flows, activities, triggers []string
	for i := range c.set.Flows {
		flows = append(flows, c.set.Flows[i].Name)
	}
	for i := range c.set.Activities {
		activities = append(activities, c.set.Activities[i].Name)
	}
	for i := range c.set.Triggers {
		triggers = append(triggers, c.set.Triggers[i].Name)
	}
	c.unique("flows", flows)
	c.unique("activities", activities)
	c.unique("triggers", triggers)
}

func (c *setCompiler) unique(part string, names []string) {
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			c.problem(fmt.Sprintf("%s[%d].name", part, i), "", "set.unique", "another has this name; rename one")
		}
	}
}

// relations wants every relation to follow a flow of the set.
func (c *setCompiler) relations() {
	see := func(path string, relate []Relate) {
		for i, r := range relate {
			if r.Flow != "" && c.flow(r.Flow) < 0 {
				c.problem(fmt.Sprintf("%s.relate[%d].flow", path, i), "", "set.flow", fmt.Sprintf("there is no flow %q in the set", r.Flow))
			}
		}
	}
	for i := range c.set.Flows {
		see(fmt.Sprintf("flows[%d].left", i), c.set.Flows[i].Left.Relate)
		see(fmt.Sprintf("flows[%d].right", i), c.set.Flows[i].Right.Relate)
	}
	for i := range c.set.Activities {
		see(fmt.Sprintf("activities[%d]", i), c.set.Activities[i].Relate)
	}
}

func (c *setCompiler) flow(name string) int {
	return slices.IndexFunc(c.set.Flows, func(s Spec) bool { return s.Name == name })
}

// trigger checks a trigger and takes it over.
func (c *setCompiler) trigger(i int) {
	t := c.set.Triggers[i]
	path := fmt.Sprintf("triggers[%d]", i)
	if t.Name == "" || t.Fact == "" {
		c.problem(path, "", "trigger.complete", "give the trigger a name and the type of the facts that it makes")
	}
	at := c.flow(t.Flow)
	if at < 0 {
		c.problem(path+".flow", "", "set.flow", fmt.Sprintf("there is no flow %q in the set", t.Flow))
		return
	}
	spec := &c.set.Flows[at]
	k := slices.IndexFunc(spec.Fields, func(f Field) bool { return f.Name == t.Field })
	if k < 0 {
		c.problem(path+".field", t.Field, "trigger.field", fmt.Sprintf("flow %s has no such field", t.Flow))
		return
	}
	c.values(path+".from", &spec.Fields[k], t.From)
	c.values(path+".to", &spec.Fields[k], t.To)
	for n, name := range t.With {
		if name != sync.IDField && !c.broken[t.Flow] && !slices.Contains(c.out.Flows[at].Names(sync.Left), name) {
			c.problem(fmt.Sprintf("%s.with[%d]", path, n), t.Field, "trigger.with", fmt.Sprintf("flow %s does not read it on the left", t.Flow))
		}
	}
	t.From, t.To, t.With = slices.Clone(t.From), slices.Clone(t.To), slices.Clone(t.With)
	c.out.Triggers = append(c.out.Triggers, t)
}

// values wants the canonical values of an enum.
func (c *setCompiler) values(path string, f *Field, values []string) {
	if f.Type != TypeEnum {
		return
	}
	for i, v := range values {
		if v != "" && !slices.ContainsFunc(rows(f.Options), func(r row) bool { return r.canonical == v }) {
			c.problem(fmt.Sprintf("%s[%d]", path, i), f.Name, "trigger.value",
				"name a right value of the field's table; where options fold together, the first one's")
		}
	}
}
