package bird

// A MessageStatus is how far a message has come.
// See https://docs.bird.com/api/channels-api/message-status-and-interactions.
type MessageStatus string

// The statuses of messages. Bird adds to them without notice.
const (
	StatusAccepted   MessageStatus = "accepted"
	StatusProcessing MessageStatus = "processing"
	StatusSent       MessageStatus = "sent"
	StatusDelivered  MessageStatus = "delivered"
	StatusRead       MessageStatus = "read"

	StatusSkipped        MessageStatus = "skipped"
	StatusRejected       MessageStatus = "rejected"
	StatusSendingFailed  MessageStatus = "sending_failed"
	StatusDeliveryFailed MessageStatus = "delivery_failed"
)

// statusRanks is the order of the statuses. A failure ends the way of a
// message, but that somebody has got it or read it outweighs a failure. Each
// status has a rank of its own, so that the last one is the same in whatever
// order they are heard of.
var statusRanks = map[MessageStatus]int{
	StatusAccepted: 1, StatusProcessing: 2, StatusSent: 3,
	StatusSkipped: 4, StatusRejected: 5, StatusSendingFailed: 6, StatusDeliveryFailed: 7,
	StatusDelivered: 8, StatusRead: 9,
}

// After reports whether s follows other on the way of a message. Who keeps the
// status of a message replaces it only by one that is After it: Bird's events
// come late, twice and in any order. An unknown status follows none and
// precedes every known one, and so does "".
func (s MessageStatus) After(other MessageStatus) bool { return statusRanks[s] > statusRanks[other] }

// Failed reports whether the message did not reach its receiver, and Bird will
// not try again.
func (s MessageStatus) Failed() bool {
	switch s {
	case StatusSkipped, StatusRejected, StatusSendingFailed, StatusDeliveryFailed:
		return true
	}
	return false
}
