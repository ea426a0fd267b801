// Package crmsync keeps Bird (conversations, AI agents) and HubSpot (CRM) in
// step: contacts, deals, activities and workflow triggers, in both directions,
// in seconds, without losing, doubling or silently overwriting anything; and
// it can say why every field has the value it has. It is a library: a host
// composes its own engine.
//
// This package holds no code. The map:
//
//	sync                    the engine and its contracts; knows no vendor
//	  sync/dashboard        what the people who run it see and do
//	  sync/metrics          what it tells Prometheus
//	  sync/trace            what it tells OpenTelemetry
//	  sync/alert            when it needs people, and how they hear of it
//	  sync/simtest          a simulation of whole deployments, faults included
//	  sync/syncmock         mocks of the four interfaces, for a host's tests
//	mapping                 two-way field maps in Go or YAML, checked by laws
//	  mapping/urbanhub      UrbanHub's contacts, deals, activities and triggers
//	hubspot                 adapter: reads, batched writes, webhooks, journal
//	  hubspot/hubspottest   a simulated HubSpot account, like net/http/httptest
//	bird                    adapter: reads, writes, webhooks, Flow calls
//	  bird/birdtest         a simulated Bird workspace
//	store                   what the engine remembers
//	  store/memstore        in memory; store/storetest is the conformance suite
//	  store/sqlitestore     in one SQLite file, for one process
//	  store/pgstore         in PostgreSQL, for many processes
//	  store/redisstore      in Redis, for many processes
//	queue                   the keyed dispatcher over a small driver interface
//	  queue/memqueue        in memory; queue/queuetest is the conformance suite
//	  queue/sqlitequeue     in the SQLite file of a sqlitestore
//	  queue/pgqueue         in PostgreSQL, for many processes
//	  queue/redisqueue      in Redis, for many processes
//	examples/quickstart     all of it in one process, offline
//
// Start with package [github.com/urbanhub/crmsync/sync].
package crmsync
