// A web application with golang.org/x/oauth2 and go-oidc: discovery, code + PKCE, ID token, userinfo, refresh, client
// credentials. Registration, introspection and revocation are not in these libraries and are done by hand.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const callback = "http://127.0.0.1:9/cb"

var (
	input  = regexp.MustCompile(`<input[^>]*>`)
	name   = regexp.MustCompile(`name="([^"]*)"`)
	value  = regexp.MustCompile(`value="([^"]*)"`)
	action = regexp.MustCompile(`action="([^"]*)"`)
)

func must[T any](got T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return got
}

func assert(holds bool, what ...any) {
	if !holds {
		log.Fatal(what...)
	}
}

// form finds the hidden fields of the form that holds the marker, and where it goes.
func form(page, marker string) (url.Values, string) {
	for _, part := range strings.Split(page, "<form")[1:] {
		part, _, _ = strings.Cut(part, "</form>")
		if !strings.Contains(part, marker) {
			continue
		}
		values := url.Values{}
		for _, tag := range input.FindAllString(part, -1) {
			if !strings.Contains(tag, `type="hidden"`) {
				continue
			}
			text := ""
			if found := value.FindStringSubmatch(tag); found != nil {
				text = html.UnescapeString(found[1])
			}
			values.Set(name.FindStringSubmatch(tag)[1], text)
		}
		return values, html.UnescapeString(action.FindStringSubmatch(part)[1])
	}
	log.Fatalf("no form with %s in %s", marker, page)
	return nil, ""
}

func read(answer *http.Response) string {
	defer answer.Body.Close()
	return string(must(io.ReadAll(answer.Body)))
}

// personAgrees is a browser that signs in and consents; it gives the address that it is sent back to.
func personAgrees(start string) *url.URL {
	var back *url.URL
	browser := &http.Client{
		Jar: must(cookiejar.New(nil)),
		CheckRedirect: func(next *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(next.URL.String(), callback) {
				back = next.URL
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	answer := must(browser.Get(start))
	values, to := form(read(answer), `name="password"`)
	values.Set("username", os.Getenv("USERNAME"))
	values.Set("password", os.Getenv("PASSWORD"))
	answer = must(browser.PostForm(must(answer.Request.URL.Parse(to)).String(), values))
	if back != nil { // A consent that is remembered leads back without a question.
		answer.Body.Close()
		return back
	}
	values, to = form(read(answer), "code_challenge")
	values.Set("action", "approve")
	answer = must(browser.PostForm(must(answer.Request.URL.Parse(to)).String(), values))
	page := read(answer)
	assert(back != nil, page)
	return back
}

type endpoints struct {
	Registration  string `json:"registration_endpoint"`
	Introspection string `json:"introspection_endpoint"`
	Revocation    string `json:"revocation_endpoint"`
}

func asClient(config oauth2.Config, endpoint string, values url.Values) (int, map[string]any) {
	request := must(http.NewRequest("POST", endpoint, strings.NewReader(values.Encode())))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(config.ClientID), url.QueryEscape(config.ClientSecret))
	answer := must(http.DefaultClient.Do(request))
	body := map[string]any{}
	_ = json.Unmarshal([]byte(read(answer)), &body)
	return answer.StatusCode, body
}

func wholeJourney(ctx context.Context, provider *oidc.Provider, more endpoints, id, secret string) {
	config := oauth2.Config{
		ClientID: id, ClientSecret: secret, RedirectURL: callback, Endpoint: provider.Endpoint(),
		Scopes: []string{oidc.ScopeOpenID, "email", "profile", oidc.ScopeOfflineAccess},
	}
	verifier := oauth2.GenerateVerifier()
	back := personAgrees(config.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce-1"))).Query()
	assert(back.Get("state") == "state-1", back)
	token := must(config.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(verifier)))
	raw, _ := token.Extra("id_token").(string)
	idToken := must(provider.Verifier(&oidc.Config{ClientID: id}).Verify(ctx, raw))
	assert(idToken.Nonce == "nonce-1", idToken)
	if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
		log.Fatal(err)
	}
	info := must(provider.UserInfo(ctx, oauth2.StaticTokenSource(token)))
	assert(info.Subject == idToken.Subject && info.Email != "", info)
	fresh := must(config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token())
	assert(fresh.AccessToken != token.AccessToken, "the same token again")
	_, seen := asClient(config, more.Introspection, url.Values{"token": {fresh.AccessToken}})
	assert(seen["active"] == true && seen["client_id"] == id, seen)
	status, _ := asClient(config, more.Revocation, url.Values{"token": {fresh.RefreshToken}})
	assert(status == 200, status)
	_, seen = asClient(config, more.Introspection, url.Values{"token": {fresh.AccessToken}})
	assert(seen["active"] == false, seen)
}

func registered(more endpoints) (string, string) {
	body := must(json.Marshal(map[string]any{
		"client_name": "go-oidc", "redirect_uris": []string{callback}, "response_types": []string{"code"},
		"grant_types": []string{"authorization_code", "refresh_token"}, "scope": "openid email profile offline_access",
	}))
	answer := must(http.Post(more.Registration, "application/json", bytes.NewReader(body)))
	client := map[string]any{}
	if err := json.Unmarshal([]byte(read(answer)), &client); err != nil || answer.StatusCode != 201 {
		log.Fatal(answer.Status, client, err)
	}
	id := client["client_id"].(string)
	fmt.Println("APPROVE", id)
	must(bufio.NewReader(os.Stdin).ReadString('\n'))
	return id, client["client_secret"].(string)
}

func main() {
	ctx, base := context.Background(), os.Getenv("BASE")
	provider := must(oidc.NewProvider(ctx, base))
	var more endpoints
	text := read(must(http.Get(base + "/.well-known/oauth-authorization-server")))
	if err := json.Unmarshal([]byte(text), &more); err != nil {
		log.Fatal(err)
	}
	id, secret := os.Getenv("CLIENT_ID"), os.Getenv("CLIENT_SECRET")
	wholeJourney(ctx, provider, more, id, secret)
	machine := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: provider.Endpoint().TokenURL}
	assert(must(machine.Token(ctx)).Valid(), "a machine's token")
	id, secret = registered(more)
	wholeJourney(ctx, provider, more, id, secret)
	fmt.Println("DONE")
}
