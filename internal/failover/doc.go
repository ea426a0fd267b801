// Package failover takes something away from an engine under load, gives it
// back, and asks whether anybody noticed. It has tests only; make failover
// runs them with outages of a minute.
//
// An engine with both receivers keeps a simulated Bird workspace and a
// simulated HubSpot account in step, over real HTTP on loopback and within the
// vendors' real quotas, while people make 1,000 changes a minute at fixed
// moments, whatever the engine does with them. Then HubSpot is down, or Bird,
// PostgreSQL or Redis. Meanwhile the circuit has to open within 5 seconds, the
// receivers have to take every webhook (or, without a store, to refuse it, so
// that the vendor sends it again), no message may lose an attempt, and a person
// has to be told. Afterwards every change has to arrive within a minute, both
// sides have to be equal, every fact has to be one note, and the alert has to
// be over.
package failover
