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
// back, and those in charge erase people, take writes back, and find by
// inventories and backfills what nobody told of. Then all faults end, the world comes to rest, dead letters are
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
//	I12  a value that breaks a rule delays nobody else
//	I13  what is gone is not made again, and no record is in two pairs
//	I14  of who was erased nothing is left: not in the store, the queue, the dead
//	     letters or a record
//	I15  work for one tenant touches nothing of another's
//	I16  nothing that people enter is in a log or an error
//	I18  a healed world comes to rest
//	I19  the engines' clocks decide nothing: every fiftieth seed is run again
//	     with all systems seven hours ahead, and ends with the same values
//	I20  the same seed has the same trace: every hundredth is run twice
//
// I8 includes the audit's chain of hashes. I11 (the circuit breaker) and I17
// (two versions at once) are about parts that are outside of this simulation,
// which has neither HTTP nor stored data of an earlier release.
//
// # Excuses
//
// Some things no engine can know or do, and the checker excuses them:
//
//	I4 I5 I8  an edit between the engine's read and its write, or after its
//	          read where the answer to a write shows nothing: vendors have no
//	          conditional writes
//	I4 I5     an edit that loses to the owner where the systems' clocks do not
//	          tell the order, or where two records meet without an agreed base:
//	          the audit must admit it
//	I4 I5     a field that somebody cleared, since "blank never overwrites" may
//	          bring its value back, and a value that was entered twice
//	I4 I5     records that were merged: the vendor picks the values, at a time
//	          of its own
//	I1 I3     dead letters about merged records, which may need a person, and
//	          about a unique value that an undo brought back and that somebody
//	          else on the other side has had since
//	I3 I7     in worlds where a field was archived everything is verified once
//	          before it is judged: a process that dies forgets which fields
//	          waited, and one that was archived for less than five seconds may
//	          come back unnoticed, so that adapters are given these five
//	I7        writes to a record that was merged into another after the engine's
//	          read: that one has fields of its own
//	I8        values that were replaced, of somebody who was erased since
//	I4 I5     pairs of which writes were taken back: an undo brings earlier values
//	          back. It may replace nothing that somebody entered since
//	I13       a record that was made, and was gone or showed no more for whom
//	          before anybody had heard of it
//	I12       records that were merged, removed or emptied, and their fields'
//	          second journey; it is judged in worlds without faults
//	I16       values of fewer than five letters, which are found everywhere
package simtest
