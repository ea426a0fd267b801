package main

import (
	"context"
	"strings"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/sync"
)

// flow finds a flow by its name, or by the end of it: deals is urbanhub-deals.
func (d *deployment) flow(name string) (*sync.Flow, error) {
	var all []string
	for _, f := range d.set.Flows {
		if f.Name == name || strings.HasSuffix(f.Name, "-"+name) {
			return f, nil
		}
		all = append(all, f.Name)
	}
	return nil, usage("there is no such flow; use one of: " + strings.Join(all, ", "))
}

// flows finds one flow, or all of them for "".
func (d *deployment) flows(name string) ([]*sync.Flow, error) {
	if name == "" {
		return d.set.Flows, nil
	}
	f, err := d.flow(name)
	return []*sync.Flow{f}, err
}

// side finds the side of a flow by its system's name.
func side(f *sync.Flow, system string) (sync.Side, error) {
	for _, s := range []sync.Side{sync.Left, sync.Right} {
		if string(f.End(s).System) == system {
			return s, nil
		}
	}
	return 0, usage("the flow has no such side; use " + string(f.Left.System) + " or " + string(f.Right.System))
}

// hasField refuses a field that a flow does not have; "" is none.
func hasField(f *sync.Flow, name string) error {
	var all []string
	for i := range f.Fields {
		if name == "" || f.Fields[i].Name == name {
			return nil
		}
		all = append(all, f.Fields[i].Name)
	}
	return usage(f.Name + " has no such field; use one of: " + strings.Join(all, ", "))
}

// record finds a record and its flow by system:kind:id, or a contact by its
// email, which HubSpot is asked for.
func (d *deployment) record(ctx context.Context, text string) (*sync.Flow, sync.Ref, error) {
	ref, err := d.ref(ctx, text)
	if err != nil {
		return nil, ref, err
	}
	for _, f := range d.set.Flows {
		if _, ok := f.SideOf(ref); ok {
			return f, ref, nil
		}
	}
	return nil, ref, usage("no flow has records of that system and kind")
}

// recordOf finds a record of a flow in the same way.
func (d *deployment) recordOf(ctx context.Context, f *sync.Flow, text string) (sync.Ref, error) {
	ref, err := d.ref(ctx, text)
	if err != nil {
		return ref, err
	}
	if _, ok := f.SideOf(ref); !ok {
		return ref, usage(f.Name + " has no records of that system and kind")
	}
	return ref, nil
}

func (d *deployment) ref(ctx context.Context, text string) (sync.Ref, error) {
	ref, err := parseRef(text)
	if strings.Contains(text, "@") && err != nil {
		return d.byEmail(ctx, text)
	}
	return ref, err
}

func (d *deployment) byEmail(ctx context.Context, email string) (sync.Ref, error) {
	found, err := d.hubspot.Match(ctx, hubspot.Contact, []sync.Probe{{{Name: "email", Value: sync.Text(email)}}})
	if err != nil {
		return sync.Ref{}, err
	}
	if len(found[0].Candidates) != 1 {
		return sync.Ref{}, usage("HubSpot has not exactly one contact with that email; name the record as system:kind:id")
	}
	return found[0].Candidates[0].Ref, nil
}

// note has the audit keep what a person does here. What is not noted is not
// done.
func (d *deployment) note(ctx context.Context, t *terminal, act, what string, n sync.Entry) error {
	n.Note = "crmsyncd: " + t.actor + ": " + act + ": " + what
	return d.engine.Note(ctx, n)
}

// about is an audit entry that names a record.
func about(f *sync.Flow, ref sync.Ref) sync.Entry {
	n := sync.Entry{Flow: f.Name, Left: ref}
	if s, ok := f.SideOf(ref); ok && s == sync.Right {
		n.Left, n.Right = sync.Ref{}, ref
	}
	return n
}
