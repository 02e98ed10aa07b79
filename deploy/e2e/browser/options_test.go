package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnlyLoopbackProxies(t *testing.T) {
	for _, addr := range []string{"192.0.2.1:9050", "localhost:9050", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:x", ":9050", "0.0.0.0:9050"} {
		if _, _, err := (Options{SOCKS: addr}).proxy(); err == nil {
			t.Errorf("%q was accepted", addr)
		}
	}
	for addr, want := range map[string]string{"": "127.0.0.1", "127.0.0.1:9050": "127.0.0.1", "[::1]:9050": "::1"} {
		if host, _, err := (Options{SOCKS: addr}).proxy(); err != nil || host != want {
			t.Errorf("%q: %q, %v", addr, host, err)
		}
	}
}

func TestPrefsCannotBeInjected(t *testing.T) {
	p := newProfile(t)
	hostile := "fr\");\nuser_pref(\"network.proxy.type\", 0);//"
	if err := writePrefs(p, Options{Languages: hostile}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(p.dir, "user.js"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, `user_pref("network.proxy.type"`) && line != "user_pref(\"network.proxy.type\", 1);\n" {
			t.Errorf("line %q", line)
		}
	}
	for _, want := range []string{
		`user_pref("javascript.enabled", false);`,
		`user_pref("network.proxy.socks", "127.0.0.1");`,
		`user_pref("network.proxy.socks_port", 9);`,
	} {
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("no line %s", want)
		}
	}
}

func TestEveryPrefLineIsWellFormedAndUnique(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(firefoxPrefs) {
		if line == "\n" || strings.HasPrefix(line, "// ") {
			continue
		}
		name, _, ok := strings.Cut(strings.TrimPrefix(line, `user_pref("`), `", `)
		if !ok || !strings.HasPrefix(line, `user_pref("`) || !strings.HasSuffix(line, ");\n") {
			t.Errorf("not a preference: %q", line)
		}
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
	}
	if len(seen) < 100 {
		t.Errorf("only %d preferences", len(seen))
	}
}
