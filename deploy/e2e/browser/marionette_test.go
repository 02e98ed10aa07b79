package browser

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// speak serves one connection and returns the address to dial.
func speak(t *testing.T, serve func(conn net.Conn, in *bufio.Reader)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		serve(conn, bufio.NewReader(conn))
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

const greeting = `50:{"applicationType":"gecko","marionetteProtocol":3}`

func TestMarionetteGreetings(t *testing.T) {
	for name, text := range map[string]string{
		"empty":          "",
		"truncated":      greeting[:20],
		"other protocol": `24:{"marionetteProtocol":2}`,
		"no length":      `{"marionetteProtocol":3}`,
		"negative":       `-5:{"mar`,
		"huge":           `99999999999999999999:{}`,
		"not JSON":       `3:abc`,
		"short length":   `5:` + greeting[3:],
	} {
		t.Run(name, func(t *testing.T) {
			addr := speak(t, func(conn net.Conn, _ *bufio.Reader) { io.WriteString(conn, text) })
			if m, err := dialMarionette(t.Context(), addr); err == nil {
				m.conn.Close()
				t.Error("accepted")
			}
		})
	}
	t.Run("silence", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		addr := speak(t, func(_ net.Conn, in *bufio.Reader) { in.ReadByte() })
		if _, err := dialMarionette(ctx, addr); err == nil {
			t.Error("accepted")
		}
	})
}

func TestMarionetteReplies(t *testing.T) {
	addr := speak(t, func(conn net.Conn, in *bufio.Reader) {
		io.WriteString(conn, greeting)
		var late sync.WaitGroup
		defer late.Wait()
		answer := func(text string) { fmt.Fprintf(conn, "%d:%s", len(text), text) }
		var command []any
		for readMessage(in, &command) == nil {
			id := int(command[1].(float64))
			switch command[2] {
			case "good":
				answer(`[1,99,null,{"value":"another's"}]`)
				answer(fmt.Sprintf(`[1,%d,null,{"value":"é"}]`, id))
			case "bad":
				answer(fmt.Sprintf(`[1,%d,{"error":"no such element","message":"x"},null]`, id))
			case "late":
				late.Go(func() {
					time.Sleep(50 * time.Millisecond)
					answer(fmt.Sprintf(`[1,%d,null,{"value":"late"}]`, id))
				})
			case "end":
				return
			}
		}
	})
	m, err := dialMarionette(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { m.conn.Close(); <-m.done }()
	var got struct{ Value string }
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := m.call(short, "late", nil, &got); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("late reply: %v", err)
	}
	if err := m.call(t.Context(), "good", nil, &got); err != nil || got.Value != "é" {
		t.Errorf("good reply: %q, %v", got.Value, err)
	}
	time.Sleep(60 * time.Millisecond) // the late reply arrives now and must harm nobody
	var f *failure
	if err := m.call(t.Context(), "bad", nil, &got); !errors.As(err, &f) || f.Code != "no such element" {
		t.Errorf("bad reply: %v", err)
	}
	if err := m.call(t.Context(), "end", nil, &got); err == nil || !strings.Contains(err.Error(), "marionette ended") {
		t.Errorf("end of the connection: %v", err)
	}
	if err := m.call(t.Context(), "after", nil, nil); err == nil {
		t.Error("a call after the end succeeded")
	}
}
