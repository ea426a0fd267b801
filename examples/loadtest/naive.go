package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// A naive integration is what a script or a no-code tool would do: for each
// event it reads the record, searches its counterpart, in Bird by e-mail and in
// HubSpot by id, and writes that; a record that it creates it writes back to.
// A refused call is made again twice, a second later; then the event is lost.
type naive struct {
	v            *vendors
	begun, ended atomic.Int64
	lost         atomic.Int64
}

// measureNaive runs it under the load that the engines had.
func measureNaive(ctx context.Context, f flags) (*report, error) {
	v, err := newVendors(ctx, f)
	if err != nil {
		return nil, err
	}
	defer v.close()
	n := &naive{v: v}
	pairs, err := n.pairs(v.fill(0, poolSize))
	if err != nil {
		return nil, err
	}
	backlog := v.fill(poolSize, f.records)
	stop, err := n.listen(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	progress("the naive integration under the same load")
	walking, stopWalk := context.WithCancel(ctx)
	walked := make(chan struct{})
	go func() { defer close(walked); n.backfill(walking, backlog) }()
	rep, l, err := load(ctx, v, f, pairs)
	stopWalk()
	<-walked
	if err != nil {
		return nil, err
	}
	if err := v.settled(ctx); err != nil {
		return nil, err
	}
	for n.begun.Load() > n.ended.Load() && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	rep.Lost = l.lost()
	rep.Failures = share(int(n.lost.Load()), int(n.begun.Load()))
	v.compare(rep)
	rep.judge()
	return rep, nil
}

// pairs links the contacts of the live load without any call.
func (n *naive) pairs(ids []string) ([]pair, error) {
	var pairs []pair
	for _, id := range ids {
		props, _ := n.v.hubspot.Contact(id)
		mate, err := n.v.bird.Create(map[string]any{"email": props["email"], "msisdn": props["phone"], "external_id": id,
			birdShows: props[hubspotEdits]})
		if err != nil {
			return nil, err
		}
		n.v.hubspot.Edit(id, map[string]string{"custom_bird_contact_id": mate})
		pairs = append(pairs, pair{mate, id})
	}
	return pairs, nil
}

// listen takes the webhooks; each event is worked on by itself.
func (n *naive) listen(ctx context.Context) (stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/webhooks/hubspot", func(_ http.ResponseWriter, r *http.Request) {
		var events []struct {
			ObjectID int64 `json:"objectId"`
		}
		if json.NewDecoder(r.Body).Decode(&events) == nil {
			for _, e := range events {
				n.spawn(func() error { return n.toBird(ctx, fmt.Sprint(e.ObjectID)) })
			}
		}
	})
	mux.HandleFunc("/flows/bird", func(_ http.ResponseWriter, r *http.Request) {
		var event struct {
			ID string `json:"bird_contact_id"`
		}
		if json.NewDecoder(r.Body).Decode(&event) == nil {
			n.spawn(func() error { return n.toHubSpot(ctx, event.ID) })
		}
	})
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = web.Serve(listener) }() // ends with Close
	n.v.hubspot.Subscribe("http://"+listener.Addr().String()+"/webhooks/hubspot", hubspotSecret)
	n.v.bird.OnContactChange("http://"+listener.Addr().String()+"/flows/bird", flowSecret)
	return func() { _ = web.Close() }, nil
}

// spawn works on one event; measureNaive waits for all of them.
func (n *naive) spawn(work func() error) {
	n.begun.Add(1)
	go func() {
		defer n.ended.Add(1)
		if work() != nil {
			n.lost.Add(1)
		}
	}()
}

// backfill goes through contacts one by one, eight at a time.
func (n *naive) backfill(ctx context.Context, ids []string) {
	slots := make(chan struct{}, 8)
	for _, id := range ids {
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		n.spawn(func() error {
			defer func() { <-slots }()
			return n.toBird(ctx, id)
		})
	}
}

type object = map[string]any

// toBird reads a HubSpot contact, searches it in Bird, and writes it there.
func (n *naive) toBird(ctx context.Context, id string) error {
	var contact struct{ Properties map[string]string }
	path := "/crm/v3/objects/contacts/" + id
	if err := n.hubspot(ctx, http.MethodGet, path+"?properties=email,phone,"+hubspotEdits, nil, &contact); err != nil {
		return err
	}
	var found struct{ Results []struct{ ID string } }
	contacts := "/workspaces/" + n.v.bird.WorkspaceID + "/contacts"
	email := object{"key": "emailaddress", "value": contact.Properties["email"]}
	if err := n.birdCall(ctx, http.MethodPost, contacts+"/search", object{"identifier": email}, &found); err != nil {
		return err
	}
	attributes := object{"propertyInterest": contact.Properties[hubspotEdits]}
	if len(found.Results) > 0 {
		return n.birdCall(ctx, http.MethodPatch, contacts+"/"+found.Results[0].ID, object{"attributes": attributes}, nil)
	}
	var made struct{ ID string }
	identifiers := []object{email, {"key": "phonenumber", "value": contact.Properties["phone"]}, {"key": "external_id", "value": id}}
	if err := n.birdCall(ctx, http.MethodPost, contacts, object{"identifiers": identifiers, "attributes": attributes}, &made); err != nil {
		return err
	}
	return n.hubspot(ctx, http.MethodPatch, path, object{"properties": object{"custom_bird_contact_id": made.ID}}, nil)
}

// toHubSpot reads a Bird contact, searches it in HubSpot, and writes it there.
func (n *naive) toHubSpot(ctx context.Context, id string) error {
	var contact struct{ Attributes map[string]any }
	if err := n.birdCall(ctx, http.MethodGet, "/workspaces/"+n.v.bird.WorkspaceID+"/contacts/"+id, nil, &contact); err != nil {
		return err
	}
	var found struct{ Results []struct{ ID string } }
	search := object{"filterGroups": []object{{"filters": []object{
		{"propertyName": "custom_bird_contact_id", "operator": "EQ", "value": id}}}}}
	if err := n.hubspot(ctx, http.MethodPost, "/crm/v3/objects/contacts/search", search, &found); err != nil {
		return err
	}
	if len(found.Results) == 0 {
		return errors.New("the search does not know it yet")
	}
	interest := object{hubspotShows: contact.Attributes[birdEdits]}
	return n.hubspot(ctx, http.MethodPatch, "/crm/v3/objects/contacts/"+found.Results[0].ID, object{"properties": interest}, nil)
}

func (n *naive) hubspot(ctx context.Context, method, path string, in, out any) error {
	return call(ctx, method, n.v.hubspot.URL+path, "Bearer "+n.v.hubspot.Token, in, out)
}

func (n *naive) birdCall(ctx context.Context, method, path string, in, out any) error {
	return call(ctx, method, n.v.bird.URL+path, "AccessKey "+n.v.bird.AccessKey, in, out)
}

// call makes one call, three times at most.
func call(ctx context.Context, method, url, authorization string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for range 3 {
		var status int
		if status, err = try(ctx, method, url, authorization, body, out); err == nil || status != http.StatusTooManyRequests {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return err
}

func try(ctx context.Context, method, url, authorization string, body []byte, out any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		_, _ = io.Copy(io.Discard, res.Body) // the connection is used again
		return res.StatusCode, errors.New(res.Status)
	}
	if out == nil {
		_, err = io.Copy(io.Discard, res.Body)
		return res.StatusCode, err
	}
	return res.StatusCode, json.NewDecoder(res.Body).Decode(out)
}
