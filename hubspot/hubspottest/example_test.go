package hubspottest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/urbanhub/crmsync/hubspot/hubspottest"
)

// A person makes a contact, an app looks for it by a unique property of its own.
func ExampleNewServer() {
	account := hubspottest.NewServer(&hubspottest.Options{
		Properties: []hubspottest.Property{{Name: "customer_number", HasUniqueValue: true}},
	})
	defer account.Close()
	account.Create(map[string]string{"firstname": "Ana", "customer_number": "c-1"})

	req, err := http.NewRequest(http.MethodPost, account.URL+"/crm/objects/2026-09/contacts/batch/read",
		strings.NewReader(`{"idProperty":"customer_number","properties":["firstname"],"inputs":[{"id":"c-1"}]}`))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+account.Token)
	resp, err := account.Client().Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)

	fmt.Println(resp.Status, strings.Contains(string(body), `"firstname":"Ana"`))
	fmt.Println("requests:", account.Log().Calls("/batch/read"))
	// Output:
	// 200 OK true
	// requests: 1
}

// The next write takes effect, but its answer is lost: what does the client do?
func ExampleServer_Faults() {
	account := hubspottest.NewServer(nil)
	defer account.Close()
	account.Faults().Add(hubspottest.Fault{Method: http.MethodPost, DropAfter: true, Count: 1})

	req, err := http.NewRequest(http.MethodPost, account.URL+"/crm/objects/2026-09/contacts",
		strings.NewReader(`{"properties":{"email":"ana@example.com"},"associations":[]}`))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+account.Token)
	resp, err := account.Client().Do(req)
	if err == nil {
		resp.Body.Close()
	}
	fmt.Println("error:", err != nil)
	fmt.Println("contacts:", len(account.Contacts()))
	// Output:
	// error: true
	// contacts: 1
}
