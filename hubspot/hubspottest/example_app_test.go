package hubspottest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/hubspot/hubspottest"
)

// An app is installed, gets its tokens, and one of them expires.
func ExampleAccount_Install() {
	account := hubspottest.NewServer(nil)
	defer account.Close()
	token := func(form url.Values) (access, refresh string) {
		form.Set("client_id", account.ClientID)
		form.Set("client_secret", account.ClientSecret)
		resp, err := account.Client().PostForm(account.URL+"/oauth/2026-09/token", form)
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		var out struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			panic(err)
		}
		return out.Access, out.Refresh
	}
	read := func(access string) int {
		return status(account, http.MethodGet, "/crm/objects/2026-09/contacts", access, "")
	}

	code := account.Install("oauth", "crm.objects.contacts.read")
	access, refresh := token(url.Values{"grant_type": {"authorization_code"}, "code": {code}})
	fmt.Println("installed:", read(access))
	account.Advance(31 * time.Minute)
	fmt.Println("half an hour later:", read(access))
	access, _ = token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
	fmt.Println("renewed:", read(access))
	fmt.Println("renewals:", account.TokenRequests("refresh_token"))
	// Output:
	// installed: 200
	// half an hour later: 401
	// renewed: 200
	// renewals: 1
}

// Another process of the same app leaves little of the quota.
func ExampleAccount_UseQuota() {
	account := hubspottest.NewServer(&hubspottest.Options{Burst: 100})
	defer account.Close()
	account.UseQuota(99)
	for range 2 {
		fmt.Println(status(account, http.MethodGet, "/crm/objects/2026-09/contacts", account.Token, ""))
	}
	fmt.Println("refused:", account.RateLimited("TEN_SECONDLY_ROLLING"))
	// Output:
	// 200
	// 429
	// refused: 1
}

// status calls the account and returns the answer's status.
func status(account *hubspottest.Server, method, path, token, body string) int {
	req, err := http.NewRequest(method, account.URL+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := account.Client().Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
