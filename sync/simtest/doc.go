// Package simtest simulates a whole deployment: several processes with the
// real engine and the real dispatcher, a store, a queue, two or more systems
// with the habits of real vendors, and the people who use them. Everything
// that can go wrong does, at every step, as a seed says; then the invariants
// are checked, and the same seed gives the same run, to the byte.
//
// A host simulates its own mapping in a test:
//
//	func TestSimulation(t *testing.T) {
//		r := simtest.Run(t, simtest.Config{Flows: flows, Activities: activities, Seeds: 200})
//		t.Log(r)
//	}
//
// # How a run goes
//
// Processes, webhooks and feeds run in a bubble of virtual time (see
// testing/synctest). Each call to the store, to the queue's log and to a vendor
// is a step, and a step waits for its turn: one goroutine runs at a time, and
// the seed picks the next. Meanwhile people enter, edit, clear, merge, delete
// and restore records, facts happen, systems go down, lose a field or come
// back. Then all faults end, the world comes to rest, dead letters are
// replayed, and the checker looks at both systems, the audit, the links and
// the queue.
//
// # Faults
//
// [StepFaults] happen at steps and [HookFaults] on the way of webhooks;
// [Possible] says which can happen where, and a [Report] counts them by step.
// A fault is named by its place, such as "p1:store.commit:7:crash-after", and
// whether it happens depends on its place and the seed alone. So a failure is
// made small ([Shrink]): faults and actions that are not needed are left out,
// and what remains is printed with the flags that replay it.
//
// # Invariants
//
//	I1   nothing waits for ever, and dead letters come back to life
//	I2   what a receiver said 2xx to is in the queue
//	I3   every record has one counterpart, and they agree
//	I4   the later edit wins, or the owner where nobody can know which that is;
//	     no value stands that nobody entered
//	I5   a value that somebody replaced does not come back
//	I6   a fact is recorded exactly once
//	I7   nothing is written that is there already, and a second look at
//	     everything writes nothing
//	I8   every write was announced by its sender, every announcement has an
//	     outcome, and the audit knows every value that was replaced
//	I9   a key is worked on by one process at a time
//	I10  to be asked to wait costs no attempt
//	I13  what is gone is not made again, and no record is in two pairs
//	I18  a healed world comes to rest
//	I20  the same seed has the same trace
//
// Some things no engine can know, and the checker excuses them: an edit that
// falls between the engine's read and its write, because vendors have no
// conditional writes; the order of two edits where the systems' clocks do not
// tell it, which the audit must admit; two records that meet without an
// agreed base, for which the flow has a policy; and what becomes of the other
// records when people merge some, which may need a person.
package simtest
