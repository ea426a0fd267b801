package hubspottest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/hubspot/hubspottest"
)

// call sends a request to an account and returns the status and the decoded answer.
func call(a *hubspottest.Account, method, path, body string) (int, map[string]any) {
	req, err := http.NewRequest(method, a.URL+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil && err != io.EOF {
		panic(err)
	}
	return resp.StatusCode, answer
}

// A person opens a deal, an app logs a note on it.
func ExampleAccount_CreateObject() {
	account := hubspottest.NewServer(nil)
	defer account.Close()
	deal := account.CreateObject("deals", map[string]string{"dealname": "House", "dealstage": "qualifiedtobuy"})

	status, note := call(account.Account, "POST", "/crm/objects/2026-09/notes", `{"properties":{"hs_timestamp":"1790000000000","hs_note_body":"Call back"},
		"associations":[{"to":{"id":"`+deal+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":214}]}]}`)

	kept, _ := account.Object("notes", note["id"].(string))
	fmt.Println(status, kept["hs_note_body"])
	fmt.Println("writes:", account.WriteCountOf("notes", "", ""))
	// Output:
	// 201 Call back
	// writes: 2
}

// Two customers at one address, told apart by their tokens.
func ExampleServer_AddAccount() {
	server := hubspottest.NewServer(nil)
	defer server.Close()
	second := server.AddAccount(&hubspottest.Options{Token: "second", PortalID: 2})
	server.Create(map[string]string{"email": "ana@example.com"})

	_, details := call(second, "GET", "/account-info/2026-09/details", "")
	fmt.Println("portal", details["portalId"], "contacts", len(second.Contacts()), "of", len(server.Contacts()))
	// Output: portal 2 contacts 0 of 1
}

// Search sees a write a while later.
func ExampleAccount_Advance() {
	account := hubspottest.NewServer(&hubspottest.Options{SearchLag: time.Minute})
	defer account.Close()
	account.Create(map[string]string{"email": "ana@example.com"})
	for range 2 {
		_, found := call(account.Account, "POST", "/crm/objects/2026-09/contacts/search", "{}")
		fmt.Println(found["total"])
		account.Advance(time.Minute)
	}
	// Output:
	// 0
	// 1
}

// What did the client call, and how often?
func ExampleAccount_Log() {
	account := hubspottest.NewServer(nil)
	defer account.Close()
	call(account.Account, "GET", "/crm/objects/2026-09/deals", "")
	call(account.Account, "GET", "/crm/objects/2026-09/notes", "")

	fmt.Println(len(account.Log().Find("GET", "/crm/objects/*/deals")))
	fmt.Println(account.Log().ByOperation())
	// Output:
	// 1
	// map[GET /crm/objects/2026-09/{object}:2]
}

// A receiver hears of what people do.
func ExampleAccount_Subscribe() {
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var events []struct{ SubscriptionType, ObjectTypeID, PropertyName, ChangeSource string }
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
			panic(err)
		}
		fmt.Printf("%+v\n", events[0])
	}))
	defer receiver.Close()
	account := hubspottest.NewServer(nil)
	defer account.Close()
	account.Subscribe(receiver.URL, "client secret",
		hubspottest.Subscription{Type: "object.propertyChange", ObjectTypeID: "0-3", Property: "amount"})

	deal := account.CreateObject("deals", map[string]string{"dealname": "House", "dealstage": "qualifiedtobuy"})
	account.EditObject("deals", deal, map[string]string{"amount": "1200"})
	account.Idle()
	// Output: {SubscriptionType:object.propertyChange ObjectTypeID:0-3 PropertyName:amount ChangeSource:CRM_UI}
}

// The administrator wants a close date on won deals.
func ExampleRule() {
	account := hubspottest.NewServer(&hubspottest.Options{Rules: []hubspottest.Rule{
		{On: "deals", When: "dealstage", Is: "closedwon", Require: []string{"closedate"}},
	}})
	defer account.Close()
	deal := account.CreateObject("deals", map[string]string{"dealname": "House", "dealstage": "qualifiedtobuy"})

	for _, version := range []string{"2026-03", "2026-09"} {
		status, _ := call(account.Account, "PATCH", "/crm/objects/"+version+"/deals/"+deal, `{"properties":{"dealstage":"closedwon"}}`)
		fmt.Println(version, status)
	}
	// Output:
	// 2026-03 200
	// 2026-09 400
}
