package browser

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed firefox.prefs
var firefoxPrefs string

// Lets the window be as narrow as a telephone, which Firefox does not.
const firefoxChrome = ":root, body, #browser, #navigator-toolbox { min-width: 0 !important; }\n"

// writePrefs writes the profile's user.js, which Firefox reads at each start, and
// the style sheet of its windows.
func writePrefs(p profile, o Options) error {
	host, port, err := o.proxy()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(firefoxPrefs)
	set := func(name string, value any) {
		v, _ := json.Marshal(value) // of a string, number or boolean: cannot fail
		fmt.Fprintf(&b, "user_pref(%q, %s);\n", name, v)
	}
	set("javascript.enabled", o.JavaScript)
	set("intl.accept_languages", o.Languages)
	set("network.proxy.socks", host)
	set("network.proxy.socks_port", port)
	if o.SOCKS == "" {
		set("network.proxy.http", host)
		set("network.proxy.http_port", port)
		set("network.proxy.ssl", host)
		set("network.proxy.ssl_port", port)
	}
	chrome := filepath.Join(p.dir, "chrome")
	err = errors.Join(
		os.WriteFile(filepath.Join(p.dir, "user.js"), []byte(b.String()), 0o600),
		os.MkdirAll(chrome, 0o700),
		os.WriteFile(filepath.Join(chrome, "userChrome.css"), []byte(firefoxChrome), 0o600),
	)
	if err != nil {
		return fmt.Errorf("writing Firefox's preferences: %w", err)
	}
	return nil
}
