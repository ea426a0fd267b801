package training_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// Chapter 4: what happened becomes an activity, exactly once, and moves the
// deal.
func Example_facts() {
	l := openLab(nil, nil)
	defer l.close()
	receiver := must(bird.NewFlowReceiver(l.engine, bird.FlowOptions{Secrets: []string{"a long random text"}}))

	// A lead talks to the AI agent.
	ana := l.lead(map[string]any{"name": "Ana Gil", "msisdn": "+573000000001"})
	talk := l.bird.Open(birdtest.Opening{ContactID: ana.ID})

	// The agent books a tour: an HTTP step of a Flow tells of it, three times,
	// because the first answers were lost.
	call := func() int {
		req := httptest.NewRequest(http.MethodPost, "/flows/bird", strings.NewReader(`{
			"event": "tour.scheduled", "event_id": "run-1", "bird_contact_id": "`+ana.ID+`", "conversation_id": "`+talk+`",
			"tour": {"starts_at": "2026-01-25T10:00:00-05:00", "property": "Josefa"}}`))
		req.Header.Set("Authorization", "Bearer a long random text")
		answer := httptest.NewRecorder()
		receiver.ServeHTTP(answer, req)
		return answer.Code
	}
	fmt.Println("answers:", call(), call(), call())
	l.settle()
	l.look(sync.Ref{System: bird.System, Kind: bird.ConversationKind, ID: talk}) // as Bird's webhook does

	contact := l.partner(ana)
	for _, id := range l.hubspot.Associated("contacts", contact.ID, "meetings") {
		meeting, _ := l.hubspot.Object("meetings", id)
		fmt.Println("meeting:", meeting["hs_meeting_title"], "at", meeting["hs_meeting_location"])
	}
	for id, deal := range l.hubspot.Objects("deals") {
		fmt.Println("deal:", deal["dealstage"], "with", len(l.hubspot.Associated("deals", id, "meetings")), "meeting")
	}
	thread, _ := l.bird.Conversation(talk)
	fmt.Println("conversation:", thread.Attributes["ai_stage"])
	// Output:
	// answers: 204 204 204
	// meeting: AI Agent Activity: tour.scheduled at Josefa
	// deal: appointmentscheduled with 1 meeting
	// conversation: tour_scheduled
}
