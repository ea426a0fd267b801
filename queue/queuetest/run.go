package queuetest

import (
	"testing"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Options tune [RunLog].
type Options struct {
	// Backlog is how many messages wait in the test of a large backlog; 0 is
	// 1,000,000. Fewer prove less; the suite logs the number.
	Backlog int
}

// A scenario is a named test of a queue.
type scenario struct {
	name string
	test func(*bench)
}

// Run tests that a queue keeps the contract of [sync.Queue]. Each scenario
// asks for a new, empty queue; newQueue cleans up by t.Cleanup.
func Run(t *testing.T, newQueue func(t *testing.T) sync.Queue) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.test(newBench(t, newQueue(t)))
		})
	}
}

var scenarios = []scenario{
	{"OneLaneDeliversAllWaitingInOrder", testLane},
	{"OrderWithinKeyUnderConcurrency", testConcurrent},
	{"DedupeForSevenDays", testDedupe},
	{"DedupeOfDoneAndDead", testDedupeSettled},
	{"IncompleteMessages", testIncomplete},
	{"LeaseExpires", testLeaseExpires},
	{"ExtendProlongs", testExtend},
	{"LeasesOfAnyLength", testLengths},
	{"PrefixSettled", testPrefix},
	{"RetryAtSleepsTheKey", testRetry},
	{"FreeFailuresCountNothing", testFree},
	{"BuryReplayDiscard", testBury},
	{"BuryPrefix", testBuryPrefix},
	{"DeadPages", testDeadPages},
	{"PrioritiesWithReservedShares", testPriorities},
	{"UrgentMessageRaisesItsKey", testRaise},
	{"UrgentOnly", testUrgentOnly},
	{"PoisonKeyBlocksOnlyItself", testPoison},
	{"HotKeyStarvesNobody", testHot},
	{"SleepingKeysStarveNobody", testSleeping},
	{"ManyHotKeysInSortedOrder", testSortedBacklog},
	{"Stats", testStats},
	{"Ready", testReady},
}

// RunLog tests a driver. Each scenario asks for a new, empty log; newLog
// cleans up by t.Cleanup. Several dispatchers use one log at a time.
func RunLog(t *testing.T, newLog func(t *testing.T) queue.Log, opts *Options) {
	t.Run("Queue", func(t *testing.T) {
		t.Parallel()
		Run(t, func(t *testing.T) sync.Queue { return process(t, newLog(t), "a", nil) })
	})
	for _, s := range logScenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.test(t, newLog(t))
		})
	}
	backlog := 1_000_000
	if opts != nil && opts.Backlog > 0 {
		backlog = opts.Backlog
	}
	t.Run("LargeBacklog", func(t *testing.T) {
		t.Parallel()
		testBacklog(t, newLog(t), backlog)
	})
}

var logScenarios = []struct {
	name string
	test func(*testing.T, queue.Log)
}{
	{"Log/AppendReadDelete", logAppendRead},
	{"Log/ReadByKeyAndBound", logReadKey},
	{"Log/Fence", logFence},
	{"Log/HoldBuryReplay", logHold},
	{"Log/LeaseExpiresMovesAndFences", logLease},
	{"Log/FairShare", logShare},
	{"Log/ReleaseIsClean", logRelease},
	{"Log/ConcurrentAppendsOfOneID", logRace},
	{"Processes/ShardsMoveAndFence", procMove},
	{"Processes/FairShareRebalances", procShare},
	{"Processes/ExclusiveAcrossMoves", procExclusive},
	{"Processes/RetryOutlivesTheProcess", procRetry},
	{"Processes/CarefulAfterCrash", procCareful},
	{"Processes/KillerIsBuried", procKiller},
	{"Processes/LateCommit", procLate},
	{"Processes/LateCommitOfAHotKey", procLateHot},
	{"Processes/LateCommitBehindManyOthers", procLateBehind},
	{"Processes/LateSleeper", procLateSleeper},
	{"Processes/LateCommitBeforeASleeper", procLateBeforeSleeper},
	{"Processes/LateCommitBeforeAHotSleeper", procLateBeforeHotSleeper},
	{"Processes/RetryDuringRefill", procRefill},
	{"Processes/SlowSettlement", procSlow},
	{"Processes/FailingLog", procFail},
	{"Trap01/ReadThatBeganBeforeADelete", trapTombstone},
	{"Trap02/NoLaneWithoutMessages", trapEmptyLane},
	{"Trap03/SettlingReadsNothing", trapSettleCost},
	{"Trap04/PushCostsOneAppend", trapPushCost},
	{"Trap05/ConcurrentRenewalsEnd", trapDeadlock},
	{"Trap06/NoBusyLoop", trapBusyLoop},
	{"Trap07/NoWalkOverTheDead", trapWalk},
	{"Trap08/PushDuringDoneIsSeen", trapPushDone},
	{"Trap09/RescanKeepsTheCursor", trapRescan},
	{"Trap10/TimeIsTheCallers", trapTime},
}
