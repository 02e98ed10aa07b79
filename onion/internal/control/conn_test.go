package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// scripted answers each line of one connection by the first matching prefix;
// a nil answer closes the connection, an empty one says nothing. It stands for
// the ways a control port can misbehave, which a real tor cannot be made to.
func scripted(t *testing.T, answers map[string]string) string {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "control"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		lines := bufio.NewScanner(c)
		for lines.Scan() {
			verb, _, _ := strings.Cut(lines.Text(), " ")
			answer, ok := answers[verb]
			if !ok {
				return
			}
			fmt.Fprint(c, answer)
		}
	}()
	return "unix:" + l.Addr().String()
}

func dialScripted(t *testing.T, answers map[string]string) *Conn {
	t.Helper()
	cookie := filepath.Join(t.TempDir(), "cookie")
	if err := os.WriteFile(cookie, make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	answers["AUTHENTICATE"] = "250 OK\r\n"
	c, err := DialCookie(t.Context(), scripted(t, answers), cookie)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestDoSuccessAndRefusal(t *testing.T) {
	c := dialScripted(t, map[string]string{
		"ONION_CLIENT_AUTH_ADD": "252 Registered client and cached\r\n",
		"GETINFO":               "250-version=1\r\n250 OK\r\n",
		"ADD_ONION":             "550 Onion address collision\r\n",
	})
	if _, err := c.Do(t.Context(), "ONION_CLIENT_AUTH_ADD x"); err != nil {
		t.Errorf("252 is success, got %v", err)
	}
	lines, err := c.Do(t.Context(), "GETINFO version")
	if err != nil || len(lines) != 2 || lines[0] != "version=1" {
		t.Errorf("lines = %q, %v", lines, err)
	}
	var refused *Refusal
	_, err = c.Do(t.Context(), "ADD_ONION ED25519-V3:secret%s")
	if !errors.As(err, &refused) || refused.Code != 550 || strings.Contains(err.Error(), "secret") {
		t.Errorf("err = %v, want a refusal with code 550 and no argument", err)
	}
	if _, err := c.Do(t.Context(), "GETINFO version"); err != nil {
		t.Errorf("a refusal broke the connection: %v", err)
	}
}

func TestDoRefusesLineBreaks(t *testing.T) {
	c := dialScripted(t, map[string]string{})
	for _, s := range []string{"GETINFO x\r\nSIGNAL HALT", "GETINFO x\nSIGNAL HALT", "GETINFO x\r"} {
		if _, err := c.Do(t.Context(), s); err == nil || strings.Contains(err.Error(), "HALT") {
			t.Errorf("%q: err = %v", s, err)
		}
	}
}

func TestDoAfterBrokenAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"truncated": "25", "not a code": "xyz hello\r\n", "mixed codes": "250-a\r\n550 b\r\n",
	} {
		c := dialScripted(t, map[string]string{"GETINFO": answer})
		ctx, cancel := context.WithCancel(t.Context())
		cancelSoon := time.AfterFunc(50*time.Millisecond, cancel)
		if _, err := c.Do(ctx, "GETINFO version"); err == nil {
			t.Errorf("%s: no error", name)
		}
		cancelSoon.Stop()
		cancel()
		if _, err := c.Do(t.Context(), "GETINFO version"); err == nil {
			t.Errorf("%s: the connection is still used", name)
		}
	}
}

func TestDialFailures(t *testing.T) {
	gone := "unix:" + filepath.Join(t.TempDir(), "none")
	if _, err := Dial(t.Context(), gone); err == nil {
		t.Error("dialled a socket that is not there")
	}
	address := scripted(t, map[string]string{
		"PROTOCOLINFO": "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=HASHEDPASSWORD\r\n250 OK\r\n",
	})
	if _, err := Dial(t.Context(), address); err == nil || !strings.Contains(err.Error(), "hint") {
		t.Errorf("password-only tor: err = %v, want a hint", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dial(ctx, scripted(t, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: err = %v", err)
	}
}
