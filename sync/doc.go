// Package sync is the engine of crmsync: it keeps the records of two systems
// in step, in both directions, and can say why every field has the value it
// has. It knows no vendor; adapters implement [Source] and [Sink], stores
// implement [Store], and queues implement [Queue].
//
// A host builds an [Engine] from a [Config], gives it to its webhook receivers
// as their [Inbox], and calls [Engine.Run]. What corresponds to what is a
// [Flow]: data and pure functions, built by hand or by package mapping.
//
// In files that need Go's own sync as well, import this package as birdsync:
//
//	import (
//		"sync"
//
//		birdsync "github.com/urbanhub/crmsync/sync"
//	)
//
// # Delivery
//
// A [Change] carries no values; it says "look at this record". The engine
// reads both sides afresh, compares each with what both last agreed on (the
// [Base]), and writes the differences. So a change may come late, twice, out
// of order or not at all: the next look at the record, which a sweep brings at
// the latest, has the same result. A [Fact] is different: it happened once,
// carries its payload, and is recorded once however often it is delivered.
//
// [Engine.Enqueue] returns when the queue has made the items durable, and a
// receiver answers its webhook only then. From there on delivery is at least
// once: a message ends done or among the dead letters, never nowhere. Every
// write is announced in the store before it is sent ([Intents]); after a crash
// or a lost answer the next look reads what became of it and sends nothing
// twice. Records are created through a unique key, so a repeated create finds
// the first one.
//
// # Conflicts
//
// A field that only one side changed goes to the other. A field that both
// changed to the same value is adopted. A field that both changed differently
// is settled by its [Policy], by default the last write. Its times are
// intervals, as exact as the systems allow (see [Historian] and [Skewer]);
// where they overlap nobody can know the order: the field's owner wins and the
// decision is marked ambiguous. The value that lost is in the audit either way.
// So is an edit that was made between a read and a write, where the system tells
// its history (see [Chronicler]).
// Two records that meet for the first time follow the flow's FirstSync policy.
//
// Records are recognised by their link, and before there is one by the flow's
// ladder of identities. Several candidates, or one that is linked already, are
// never guessed at: the message waits among the dead letters for a person, who
// finds the candidates in [Engine.Holds] and decides by [Engine.Resolve].
// Merges are followed; a record that comes back from one is a pair of its own
// again. A deletion detaches the pair and deletes nothing on the other side; when
// the record is restored the pair goes on.
//
// # Echo
//
// The webhook that a system sends about the engine's own write is recognised
// by the base: it makes no difference. It does not matter who wrote. After the
// last outside edit each field is written at most once on each side. A
// signal that claims only what both sides have agreed on costs no read at all
// (see Change.Witness).
//
// # Running it
//
// [Engine.Forecast] tells what a flow would do to records as they are, and
// [Engine.ApplyForecast] does it to those that have not moved since; a
// [Rollout] opens a flow to some pairs or to none. [Engine.Backfill] walks
// through a side in growing stages and stops when one goes badly,
// [Engine.Inventory] finds what nobody told of, [Engine.Verify] measures the
// agreement. A [Guard] bounds what may happen before a person looks,
// [Engine.Suspend] and [Engine.Resume] are the switches. [Engine.Explain] tells
// the history of every field, [Engine.Undo] takes writes back,
// [Engine.VerifyAudit] finds entries that were tampered with, and [Engine.Erase]
// forgets a person. All of them may be called in any process.
//
// # Stopping
//
// When the context of [Engine.Run] ends the engine takes no more work, lets
// the work under way finish for up to Config.StopTimeout, cancels the rest,
// and returns nil. What was cancelled is delivered again. Work on one lane is
// cancelled before its lease ends, so two processes never write to one pair.
// A process that dies is harmless: its leases run out and others take over.
//
// # Errors
//
// The core and its adapters speak one error type, [Error]. Its [Action] is all
// that the engine looks at: Retry, RetryAt and Denied wait, Conflict and
// NotFound look again a few times, and the others go to the dead letters at
// once, with their whole history. A dead letter blocks nothing but itself; [Queue] lists
// and replays them, and a replay reads both sides afresh. A panic in a lens or
// an adapter buries its own record and no other. Errors name records, fields
// and rules, and never show a value.
//
// # Testing
//
// Time is a parameter of stores and queues, and the engine runs well inside
// testing/synctest. [Engine.RunOnce] does all that is ready and returns. The
// packages store/memstore and queue/memqueue serve tests, the adapters bring
// simulators of their vendors, and sync/syncmock has mocks of the interfaces.
// [Engine.Verify] measures from outside the engine's books how well the two
// systems agree, in tests and in production. The [Planner] is pure: a flow
// can be tried on records by hand.
package sync
