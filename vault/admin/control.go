package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sourdine/vault"
	"sourdine/vault/card"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
)

// controlSocket is the socket's name in the home's run folder.
const controlSocket = "control"

const maxPolicy = 1 << 10 // bytes

// codes carry the sentinels that callers branch on across the socket.
var codes = map[string]error{
	"exists":      vault.ErrExists,
	"last":        vault.ErrLastReviewer,
	"no_reviewer": ErrNoReviewer,
	"not_found":   vault.ErrNotFound,
	"private_key": seal.ErrPrivateKey,
	"refused":     ErrRefused,
	"stranger":    ErrStranger,
	"other_log":   ErrOtherLog,
	"outdated":    parcel.ErrOutdated,
	"storage":     ErrStorage,
	"full":        vault.ErrFull,
	"gone":        vault.ErrGone,
	"unfinished":  vault.ErrNotOverwritten,
	"unreadable":  parcel.ErrUnreadable,
	"other_key":   ErrOtherKey,
	"paused":      ErrPaused,
	"damaged":     vault.ErrDamaged,
}

type failure struct {
	Error string   `json:"error"`
	Codes []string `json:"codes,omitempty"`
}

// ListenControl opens the control socket of a home whose vault this process
// holds.
func ListenControl(h Home) (net.Listener, error) { return h.Listen(controlSocket) }

// ServeControl answers on the control socket until ctx ends.
func (l *Local) ServeControl(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: l.controlHandler(), ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		graceful, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if server.Shutdown(graceful) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(listener)
	if !stop() { // who asked when the vault stopped still gets the answer
		<-ended
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the control socket failed: %w", err)
	}
	return nil
}

// farewell is how long an answer may still take when the server ends.
const farewell = time.Second

func (l *Local) controlHandler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("POST /channels", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, l.AddChannel(r.Context(), r.URL.Query().Get("name")))
	})
	m.HandleFunc("POST /reviewers", func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(io.LimitReader(r.Body, card.MaxSize+1)) // one byte over: refused by the reader of cards
		if err != nil {
			answer(w, nil, fmt.Errorf("failed to read the card: %w", err))
			return
		}
		reviewer, err := l.AddReviewer(r.Context(), r.URL.Query().Get("channel"), raw)
		answer(w, reviewer, err)
	})
	m.HandleFunc("DELETE /reviewers", func(w http.ResponseWriter, r *http.Request) {
		removed, err := l.RemoveReviewer(r.Context(), r.URL.Query().Get("channel"), r.URL.Query().Get("reviewer"))
		answer(w, removed, err)
	})
	m.HandleFunc("POST /parcel", func(w http.ResponseWriter, r *http.Request) {
		receipt, err := l.ApplyParcel(r.Context(), r.Body)
		_, _ = io.Copy(io.Discard, r.Body) // who still sends does not read the answer
		answer(w, receipt, err)
	})
	m.HandleFunc("GET /policy", func(w http.ResponseWriter, r *http.Request) {
		p, err := l.Policy(r.Context(), r.URL.Query().Get("channel"))
		answer(w, p, err)
	})
	m.HandleFunc("POST /policy", func(w http.ResponseWriter, r *http.Request) {
		var p vault.Policy
		if err := json.NewDecoder(io.LimitReader(r.Body, maxPolicy)).Decode(&p); err != nil {
			answer(w, nil, fmt.Errorf("%w: not a policy", ErrRefused))
			return
		}
		answer(w, struct{}{}, l.SetPolicy(r.Context(), r.URL.Query().Get("channel"), p))
	})
	m.HandleFunc("POST /retention", func(w http.ResponseWriter, r *http.Request) {
		done, err := l.Retain(r.Context())
		answer(w, done, err)
	})
	m.HandleFunc("POST /day", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, l.ConfirmDay(r.Context(), r.URL.Query().Get("day")))
	})
	m.HandleFunc("POST /compact", l.serveCompact)
	m.HandleFunc("POST /backup", l.serveBackup)
	m.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		status, err := l.Status(r.Context())
		answer(w, status, err)
	})
	m.HandleFunc("GET /parcel", func(w http.ResponseWriter, r *http.Request) {
		sent := &counter{w: w}
		e, err := exportOf(r.URL.Query())
		if err != nil {
			answer(w, nil, err)
			return
		}
		rest, err := l.ExportParcel(r.Context(), sent, e)
		switch {
		case err == nil: // trailers: they are known after the parcel only
			w.Header().Set(http.TrailerPrefix+restCount, strconv.Itoa(rest.Count))
			w.Header().Set(http.TrailerPrefix+restAfter, rest.After)
			w.Header().Set(http.TrailerPrefix+restSize, strconv.FormatInt(rest.Size, 10))
			w.Header().Set(http.TrailerPrefix+restUnreadable, strconv.Itoa(rest.Unreadable))
			w.Header().Set(http.TrailerPrefix+restNamed, rest.Named)
		case sent.n == 0:
			answer(w, nil, err)
		case errors.Is(err, parcel.ErrUnreadable): // who asks again gets one
			w.Header().Set(http.TrailerPrefix+restAgain, "yes")
		default:
			// The parcel has begun: only a broken connection tells that it is
			// not whole.
			panic(http.ErrAbortHandler)
		}
	})
	return m
}

// An Export's query.
func (e Export) query() string {
	return url.Values{"reviewer": {e.Reviewer}, "after": {e.After},
		"size": {strconv.FormatInt(e.Size, 10)}, "bytes": {strconv.FormatInt(e.Bytes, 10)}}.Encode()
}

func exportOf(query url.Values) (Export, error) {
	size, err1 := strconv.ParseInt(query.Get("size"), 10, 64)
	bytes, err2 := strconv.ParseInt(query.Get("bytes"), 10, 64)
	if err1 != nil || err2 != nil {
		return Export{}, fmt.Errorf("%w: not a number", ErrRefused)
	}
	return Export{Reviewer: query.Get("reviewer"), After: query.Get("after"), Size: size, Bytes: bytes}, nil
}

// Trailers of a parcel.
const (
	restCount = "Sourdine-Rest"
	restAfter = "Sourdine-After"
	restSize  = "Sourdine-Size"

	restUnreadable = "Sourdine-Unreadable"
	restNamed      = "Sourdine-Named" // some of them; Go reads trailers of 4 KiB at most
	restAgain      = "Sourdine-Again" // the parcel is not whole
)

// A counter knows how much was written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func answer(w http.ResponseWriter, value any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		f := failure{Error: err.Error()}
		for code, sentinel := range codes {
			if errors.Is(err, sentinel) {
				f.Codes = append(f.Codes, code)
			}
		}
		w.WriteHeader(http.StatusUnprocessableEntity)
		value = f
	}
	_ = json.NewEncoder(w).Encode(value)
}
