package bird

import (
	"context"
	"net/http"

	"github.com/urbanhub/crmsync/sync"
)

// A live schema is what a workspace has, as far as it was read.
type live struct {
	definitions    map[string]AttributeDefinition // nil if not read
	subscriptions  []subscription
	subscribed     bool                           // whether subscriptions were read
	offered        map[string]map[string][]string // service, event, filter keys; a service missing was not read
	conversational map[string]string              // channel to status; a channel missing was not read
}

// look reads what a schema is about; the events that Bird offers only when
// asked for. What could not be read is left out and has a line.
func (a *Adapter) look(ctx context.Context, need Schema, events bool) (live, []Line) {
	r := survey{Adapter: a, live: live{offered: map[string]map[string][]string{}, conversational: map[string]string{}}}
	if len(need.Attributes) > 0 {
		r.readDefinitions(ctx)
	}
	tried := map[string]bool{} // services
	for _, w := range need.Webhooks {
		if events && !tried[w.Service] {
			tried[w.Service] = true
			r.readOffered(ctx, w.Service)
		}
	}
	if len(need.Webhooks) > 0 {
		r.readSubscriptions(ctx)
	}
	for _, id := range need.Channels {
		r.readChannel(ctx, id)
	}
	return r.live, r.unread
}

// A survey gathers the live schema.
type survey struct {
	*Adapter
	live
	unread []Line
}

func (r *survey) failed(f Finding, err error) { r.unread = append(r.unread, broken(f, err)) }

func (r *survey) readDefinitions(ctx context.Context) {
	definitions, err := r.AttributeDefinitions(ctx)
	if err != nil {
		r.failed(Finding{What: whatAttribute, Kind: Contact}, err)
		return
	}
	r.live.definitions = map[string]AttributeDefinition{}
	for _, d := range definitions {
		r.live.definitions[d.Key] = d
	}
}

func (r *survey) readOffered(ctx context.Context, service string) {
	events, err := r.Adapter.offered(ctx, service)
	if err != nil {
		r.failed(Finding{What: "events", Name: service}, err)
		return
	}
	r.live.offered[service] = events
}

func (r *survey) readSubscriptions(ctx context.Context) {
	list, err := r.Adapter.subscriptions(ctx)
	if err != nil {
		r.failed(Finding{What: whatWebhook}, err)
		return
	}
	r.live.subscriptions, r.live.subscribed = list, true
}

func (r *survey) readChannel(ctx context.Context, id string) {
	status, err := r.channelStatus(ctx, http.MethodGet, id, nil)
	if err != nil {
		r.failed(Finding{What: whatChannel, Name: id}, err)
		return
	}
	r.live.conversational[id] = status
}

// channelStatus reads or changes whether a channel's messages make
// conversations.
// See https://docs.bird.com/api/conversations-api/api-reference/channel-configuration/update-conversations-configuration.
func (a *Adapter) channelStatus(ctx context.Context, method, id string, body any) (string, error) {
	var reply struct {
		Status string `json:"status"`
	}
	r := request{op: "bird: conversations of a channel", ref: sync.Ref{System: System, Kind: whatChannel, ID: id},
		method: method, path: a.workspace + "/channels/" + id + "/conversational", body: body}
	_, err := a.call(ctx, r, &reply)
	return reply.Status, err
}
