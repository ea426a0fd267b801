package hubspot

import (
	"context"
	"fmt"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// look reads what a schema is about. What could not be read is left out and
// has a line; groups are only read when asked for.
func (a *Adapter) look(ctx context.Context, need Schema, groups bool) (live, []Line) {
	r := reading{Adapter: a, need: need, live: live{
		groups: map[sync.Kind]map[string]bool{}, properties: map[sync.Kind]map[string]definition{},
		archived: map[sync.Kind]map[string]bool{}, pipelines: map[sync.Kind][]pipeline{}}}
	for _, kind := range need.kinds() {
		if properties := need.of(kind); len(properties) > 0 && ctx.Err() == nil {
			r.kind(ctx, kind, properties, groups)
		}
	}
	for _, p := range need.Pipelines {
		if r.pipelines[p.Kind] == nil && ctx.Err() == nil {
			r.readPipelines(ctx, p.Kind)
		}
	}
	return r.live, r.unread
}

// A reading gathers the live schema.
type reading struct {
	*Adapter
	need Schema
	live
	unread []Line
}

// kind reads the properties of a kind: those that are missing may be archived.
func (r *reading) kind(ctx context.Context, kind sync.Kind, need []Property, groups bool) {
	definitions, err := r.client.definitions(ctx, kind, false)
	missing := slices.ContainsFunc(need, func(p Property) bool { _, known := definitions[p.Name]; return !known })
	var archived, names map[string]bool
	if err == nil && missing {
		archived, err = r.archivedOf(ctx, kind)
	}
	if err == nil && groups && slices.ContainsFunc(need, Property.ours) {
		names, err = r.groupsOf(ctx, kind)
	}
	if err != nil {
		r.unread = append(r.unread, broken(Finding{What: "properties", Kind: kind, Name: fmt.Sprint(len(need))}, err))
		return
	}
	r.properties[kind], r.archived[kind], r.groups[kind] = definitions, archived, names
}

func (r *reading) readPipelines(ctx context.Context, kind sync.Kind) {
	pipelines, err := r.pipelinesOf(ctx, kind)
	if err != nil {
		r.unread = append(r.unread, broken(Finding{What: "pipelines", Kind: kind}, err))
		return
	}
	r.live.pipelines[kind] = pipelines
}
