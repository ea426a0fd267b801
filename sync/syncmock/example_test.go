package syncmock_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"go.uber.org/mock/gomock"

	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/syncmock"
)

// bookTour is a handler of the host: it records that a contact booked a tour
// and says so only when the fact is durable.
func bookTour(inbox sync.Inbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		contact := sync.Ref{System: "crm", Kind: "contact", ID: r.FormValue("contact")}
		err := inbox.Enqueue(r.Context(), sync.Fact{ID: r.FormValue("tour"), Type: "tour.scheduled", Subject: contact})
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
}

// A mocked inbox stands for the engine: first it takes the fact in, then it
// cannot. In a test the reporter is its *testing.T.
func ExampleMockInbox() {
	ctrl := gomock.NewController(reporter{})
	defer ctrl.Finish()
	inbox := syncmock.NewMockInbox(ctrl)
	fact := sync.Fact{ID: "tour-9", Type: "tour.scheduled", Subject: sync.Ref{System: "crm", Kind: "contact", ID: "512"}}
	gomock.InOrder(
		inbox.EXPECT().Enqueue(gomock.Any(), fact).Return(nil),
		inbox.EXPECT().Enqueue(gomock.Any(), fact).Return(errors.New("the queue is down")),
	)

	for range 2 {
		w := httptest.NewRecorder()
		bookTour(inbox).ServeHTTP(w, httptest.NewRequest("POST", "/tours?contact=512&tour=tour-9", nil))
		fmt.Println(w.Code)
	}
	// Output:
	// 202
	// 503
}

// reporter is a gomock.TestReporter for a program that is no test.
type reporter struct{}

func (reporter) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (reporter) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
