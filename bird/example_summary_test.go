package bird_test

import (
	"fmt"
	"log"
	"time"

	"github.com/urbanhub/crmsync/bird"
)

// A conversation becomes the body of a note. What the customer wrote cannot
// add markup to it.
func ExampleSummarizer_HTML() {
	summarizer, err := bird.NewSummarizer(&bird.SummaryOptions{Location: time.FixedZone("America/Bogota", -5*60*60)})
	if err != nil {
		log.Fatal(err)
	}
	jane := bird.Participant{ID: "1", Type: bird.ContactParticipant, Name: "Jane Doe"}
	maya := bird.Participant{ID: "2", Type: bird.BotParticipant, Name: "Maya"}
	at := time.Date(2026, 1, 22, 14, 20, 0, 0, time.UTC)
	body, err := summarizer.HTML(bird.Thread{
		Conversation: bird.Conversation{Status: "active"},
		Messages: []bird.Message{
			{Sender: jane, CreatedAt: at, Body: bird.Body{Text: "Is the <two-bedroom> free?"}},
			{Sender: maya, CreatedAt: at.Add(time.Minute), Body: bird.Body{Text: "Yes, it is."}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(bird.SummarySubject("conversation.started"))
	fmt.Print(body)
	// Output:
	// AI Agent Activity: conversation.started
	// <p>Jane Doe (contact), Maya (AI agent)</p>
	// <p><em>Conversation: active. Times: America/Bogota.</em></p>
	// <p>2026-01-22 09:20 <strong>Jane Doe (contact)</strong><br>Is the &lt;two-bedroom&gt; free?</p>
	// <p>2026-01-22 09:21 <strong>Maya (AI agent)</strong><br>Yes, it is.</p>
}
