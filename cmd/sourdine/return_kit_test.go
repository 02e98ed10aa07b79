package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// returns PARCEL FILE SEQUENCE WHAT...: writes Alice's return parcel about
// everything that is in an outbound parcel. WHAT is acknowledge, open, delete, or
// misplace (delete, naming another channel).
func returns(ts *testscript.TestScript, _ bool, args []string) {
	in, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	sequence, err := strconv.ParseUint(args[2], 10, 64)
	ts.Check(err)
	out, err := makeReturn(in, ts.Value("alice").(vaulttest.Key), sequence, args[3:])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out, 0o600))
}

func makeReturn(outbound []byte, key vaulttest.Key, sequence uint64, what []string) ([]byte, error) {
	r, err := parcel.Open(bytes.NewReader(outbound), func(string) error { return nil })
	if err != nil {
		return nil, err
	}
	o := order.Return{VaultKey: r.VaultKey(), Reviewer: fmt.Sprintf("%X", key.Entity.PrimaryKey.Fingerprint), Sequence: sequence, Seen: r.Index().Size}
	if _, err := r.Next(); err != nil {
		return nil, err
	}
	checkpoint, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	o.Checkpoint = string(checkpoint)
	var deletions []order.Deletion
	for _, s := range r.Index().Submissions {
		addTo(&o, s, what)
		deletions = append(deletions, deletionsOf(s, what)...)
	}
	slices.Sort(o.Acknowledged)
	slices.Sort(o.Opened)
	slices.SortFunc(deletions, func(a, b order.Deletion) int { return strings.Compare(a.ID, b.ID) })
	signed, err := o.Sign(deletions, key.Entity, time.Now())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = parcel.WriteReturn(context.Background(), &b, signed, nil)
	return b.Bytes(), err
}

func addTo(o *order.Return, s parcel.Submission, what []string) {
	for _, w := range what {
		switch w {
		case "acknowledge":
			o.Acknowledged = append(o.Acknowledged, s.ID)
		case "open":
			o.Opened = append(o.Opened, s.ID)
		}
	}
}

func deletionsOf(s parcel.Submission, what []string) (deletions []order.Deletion) {
	for _, w := range what {
		switch w {
		case "delete":
			deletions = append(deletions, order.Deletion{ID: s.ID, Channel: s.Channel})
		case "misplace":
			deletions = append(deletions, order.Deletion{ID: s.ID, Channel: "elsewhere"})
		}
	}
	return deletions
}

// upload PICKUP FILE: brings a return parcel; the page becomes the output.
func upload(ts *testscript.TestScript, neg bool, args []string) {
	content, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	w, err := form.CreateFormFile("parcel", "return.tar")
	ts.Check(err)
	_, err = w.Write(content)
	ts.Check(errors.Join(err, form.Close()))
	response, err := http.Post(args[0]+"return?lang=en", form.FormDataContentType(), &b)
	ts.Check(err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	ts.Check(err)
	if (response.StatusCode != http.StatusOK) != neg {
		ts.Fatalf("status %d: %s", response.StatusCode, page)
	}
	ts.Check(os.WriteFile(ts.MkAbs("page"), page, 0o600))
}

// ranges URL FILE PIECES: downloads a parcel piece by piece.
func ranges(ts *testscript.TestScript, _ bool, args []string) {
	pieces, err := strconv.Atoi(args[2])
	ts.Check(err)
	head, err := http.Head(args[0])
	ts.Check(err)
	head.Body.Close()
	step := head.ContentLength/int64(pieces) + 1
	var all []byte
	for int64(len(all)) < head.ContentLength {
		request, err := http.NewRequest(http.MethodGet, args[0], nil)
		ts.Check(err)
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", len(all), int64(len(all))+step-1))
		request.Header.Set("If-Range", head.Header.Get("ETag"))
		response, err := http.DefaultClient.Do(request)
		ts.Check(err)
		piece, err := io.ReadAll(response.Body)
		ts.Check(errors.Join(err, response.Body.Close()))
		if response.StatusCode != http.StatusPartialContent {
			ts.Fatalf("status %d at byte %d of %d", response.StatusCode, len(all), head.ContentLength)
		}
		all = append(all, piece...)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), all, 0o600))
}
