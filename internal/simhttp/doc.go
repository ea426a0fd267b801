// Package simhttp is the ground the vendor simulators stand on: an HTTP server on loopback or on in-process pipes, a plan
// of faults, a log of requests, a clock that can be wrong, and a sender of webhooks.
//
// It knows no vendor and imports only the standard library. Nothing in it does network I/O when Pipe is used, so a whole
// deployment (client, simulator, webhooks, receiver) runs inside one testing/synctest bubble.
//
// All types are safe for concurrent use.
package simhttp
