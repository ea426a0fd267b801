// Package trace tells OpenTelemetry what an engine does, from the webhook to the
// write.
//
//	t, err := trace.New(provider)
//	…
//	engine, err := sync.New(sync.Config{Tracer: t, …})
//	mux.Handle("/webhooks/hubspot", t.Receiver("hubspot", receiver))
//
// A trace begins with a request or a sweep and ends when its changes are in the
// queue. The work on them is a trace of its own, which links to those that asked
// for it, because one look at a record may serve many changes:
//
//	receive hubspot ── enqueue
//	                      ⋮ (link)
//	process hubspot contact ─┬─ read hubspot contact
//	                         ├─ read bird contact
//	                         ├─ plan contacts
//	                         └─ write bird contact
//
// The link travels with the message, through whichever queue and to whichever
// process. Attributes hold ids of records, as logs do, and names of flows,
// fields and rules; never a value of a record, and never an error's text.
package trace
