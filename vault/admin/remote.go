package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"sourdine/vault"
	"sourdine/vault/parcel"
)

// maxAnswer bounds what is read from the control socket except a parcel.
const maxAnswer = 64 << 20

// Connect returns an Admin for a home: the running server's, or one on the
// vault itself when no server runs.
func Connect(h Home) (Admin, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", h.Socket(controlSocket))
	}
	r := &remote{client: &http.Client{Transport: &http.Transport{DialContext: dial}}, locked: vault.ErrLocked}
	// Asked first: to find the vault locked takes a second.
	if conn, err := dial(context.Background(), "", ""); err == nil {
		return r, conn.Close()
	}
	local, err := Open(h)
	switch {
	case errors.Is(err, vault.ErrLocked): // a server that is just starting may answer soon
		r.locked = err
		return r, nil
	case err != nil:
		return nil, err
	}
	return local, nil
}

// remote asks a running server over its control socket.
type remote struct {
	client *http.Client
	locked error // the vault's, when the server did not answer at first
}

func (r *remote) Close() error {
	r.client.CloseIdleConnections()
	return nil
}

func (r *remote) AddChannel(ctx context.Context, name string) error {
	return r.call(ctx, http.MethodPost, "/channels?name="+url.QueryEscape(name), nil, nil)
}

func (r *remote) AddReviewer(ctx context.Context, channel string, rawCard []byte) (reviewer Reviewer, err error) {
	err = r.call(ctx, http.MethodPost, "/reviewers?channel="+url.QueryEscape(channel), bytes.NewReader(rawCard), &reviewer)
	return reviewer, err
}

func (r *remote) RemoveReviewer(ctx context.Context, channel, wanted string) (removed Removed, err error) {
	query := url.Values{"channel": {channel}, "reviewer": {wanted}}
	err = r.call(ctx, http.MethodDelete, "/reviewers?"+query.Encode(), nil, &removed)
	return removed, err
}

func (r *remote) ApplyParcel(ctx context.Context, parcel io.Reader) (receipt Receipt, err error) {
	err = r.call(ctx, http.MethodPost, "/parcel", parcel, &receipt)
	return receipt, err
}

func (r *remote) Policy(ctx context.Context, channel string) (p vault.Policy, err error) {
	err = r.call(ctx, http.MethodGet, "/policy?channel="+url.QueryEscape(channel), nil, &p)
	return p, err
}

func (r *remote) SetPolicy(ctx context.Context, channel string, p vault.Policy) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return r.call(ctx, http.MethodPost, "/policy?channel="+url.QueryEscape(channel), bytes.NewReader(raw), nil)
}

func (r *remote) Retain(ctx context.Context) (done Retained, err error) {
	err = r.call(ctx, http.MethodPost, "/retention", nil, &done)
	return done, err
}

func (r *remote) ConfirmDay(ctx context.Context, day string) error {
	return r.call(ctx, http.MethodPost, "/day?day="+url.QueryEscape(day), nil, nil)
}

func (r *remote) Status(ctx context.Context) (s Status, err error) {
	err = r.call(ctx, http.MethodGet, "/status", nil, &s)
	return s, err
}

func (r *remote) ExportParcel(ctx context.Context, w io.Writer, e Export) (Rest, error) {
	response, err := r.do(ctx, http.MethodGet, "/parcel?"+e.query(), nil)
	if err != nil {
		return Rest{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return Rest{}, refusal(response)
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		return Rest{}, fmt.Errorf("the running server broke off the parcel: %w", err)
	}
	return restOf(response.Trailer)
}

func restOf(trailer http.Header) (Rest, error) {
	if trailer.Get(restAgain) != "" {
		return Rest{}, parcel.ErrUnreadable
	}
	count, err1 := strconv.Atoi(trailer.Get(restCount))
	size, err2 := strconv.ParseInt(trailer.Get(restSize), 10, 64)
	unreadable, err3 := strconv.Atoi(trailer.Get(restUnreadable))
	if errors.Join(err1, err2, err3) != nil {
		return Rest{}, errors.New("the running server does not say whether the parcel holds everything")
	}
	return Rest{Count: count, After: trailer.Get(restAfter), Size: size,
		Unreadable: unreadable, Named: trailer.Get(restNamed)}, nil
}

func (r *remote) call(ctx context.Context, method, path string, body io.Reader, into any) error {
	response, err := r.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return refusal(response)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("the running server's answer is damaged: %w", err)
	}
	return nil
}

// refusal is the error that the running server answered with.
func refusal(response *http.Response) error {
	var f failure
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&f); err != nil {
		return fmt.Errorf("the running server answered with status %d", response.StatusCode)
	}
	return asRemote(f)
}

func (r *remote) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://control"+path, body)
	if err != nil {
		return nil, err
	}
	response, err := r.client.Do(request)
	var connecting *net.OpError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && (!errors.As(err, &connecting) || connecting.Op != "dial"):
		return nil, fmt.Errorf("the running server broke off: %w", err)
	case err != nil:
		return nil, fmt.Errorf("%w, which does not answer on the control socket: %w", r.locked, err)
	}
	return response, nil
}

// remoteError is an error of the running server, with the sentinels it wrapped.
type remoteError struct {
	text      string
	sentinels []error
}

func asRemote(f failure) remoteError {
	e := remoteError{text: f.Error}
	for _, code := range f.Codes {
		if sentinel, known := codes[code]; known {
			e.sentinels = append(e.sentinels, sentinel)
		}
	}
	return e
}

func (e remoteError) Error() string   { return e.text }
func (e remoteError) Unwrap() []error { return e.sentinels }
