package onion

import (
	"strings"
	"testing"

	"sourdine/vault/clientkey"
)

func mustClient(t testing.TB) clientkey.Public {
	t.Helper()
	k, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func TestCommand(t *testing.T) {
	k, a, b := mustKey(t), mustClient(t), mustClient(t)
	if a.String() > b.String() {
		a, b = b, a
	}
	for name, c := range map[string]struct {
		service Service
		want    string
	}{
		"open": {Service{Key: k, Socket: "/run/s"}, " Port=80,unix:/run/s"},
		"work": {Service{Key: k, Socket: "/run/s", Port: 8080, ProofOfWork: true},
			" PoWDefensesEnabled=1 Port=8080,unix:/run/s"},
		"closed": {Service{Key: k, Socket: "/run/s", RequireClients: true, Clients: []clientkey.Public{b, a, b}},
			" Flags=V3Auth Port=80,unix:/run/s ClientAuthV3=" + a.String() + " ClientAuthV3=" + b.String()},
	} {
		s, err := c.service.checked()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := s.command()
		if want := "ADD_ONION " + k.blob() + c.want; err != nil || got != want {
			t.Errorf("%s: %v\n%s, want\n%s", name, err, got, want)
		}
		if strings.Contains(got, "Detach") {
			t.Errorf("%s: the service would outlive us", name)
		}
	}
}

// Promise: a service that requires clients and has none is never announced.
func TestServiceFailsClosed(t *testing.T) {
	closed := Service{Key: mustKey(t), Socket: "/run/s", RequireClients: true}
	for name, clients := range map[string][]clientkey.Public{"nil": nil, "empty": {}} {
		closed.Clients = clients
		s, err := closed.checked()
		if err != nil {
			t.Fatal(err)
		}
		if s.announceable() {
			t.Errorf("%s: announceable", name)
		}
		if line, err := s.command(); err == nil {
			t.Errorf("%s: got a command: %s", name, line[len(line)-30:])
		}
	}
}

func TestServiceRefused(t *testing.T) {
	k := mustKey(t)
	many := make([]clientkey.Public, MaxClients+1)
	for i := range many {
		many[i] = mustClient(t)
	}
	for name, s := range map[string]Service{
		"zero value":               {},
		"no key":                   {Socket: "/run/s"},
		"no socket":                {Key: k},
		"port":                     {Key: k, Socket: "/run/s", Port: 65536},
		"negative port":            {Key: k, Socket: "/run/s", Port: -1},
		"clients of an open one":   {Key: k, Socket: "/run/s", Clients: many[:1]},
		"a client that is no key":  {Key: k, Socket: "/run/s", RequireClients: true, Clients: []clientkey.Public{{}}},
		"one client too many":      {Key: k, Socket: "/run/s", RequireClients: true, Clients: many},
		"second option in socket":  {Key: k, Socket: "/run/s Flags=Detach"},
		"second command in socket": {Key: k, Socket: "/run/s\r\nSIGNAL HALT"},
	} {
		if _, err := s.checked(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	most := Service{Key: k, Socket: "/run/s", RequireClients: true, Clients: append(many[:MaxClients:MaxClients], many[0])}
	if _, err := most.checked(); err != nil {
		t.Errorf("the most clients, one of them twice: %v", err)
	}
}

func TestCheckSocketPath(t *testing.T) {
	for _, p := range []string{"/s", "/run/a,b=c#d%s", "/" + strings.Repeat("x", 106)} {
		if err := CheckSocketPath(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, p := range []string{"", "rel/path", "/a b", "/a\tb", "/a\nb", "/a\x00b", `/a"b`, "/a'b", `/a\b`, "/é", "/a\x7f",
		"/" + strings.Repeat("x", 107), "/" + strings.Repeat("x", 1<<20)} {
		err := CheckSocketPath(p)
		if err == nil {
			t.Errorf("%q: accepted", p[:min(len(p), 20)])
		} else if strings.HasPrefix(p, "/") && !strings.Contains(err.Error(), "hint") {
			t.Errorf("%v: gives no hint", err)
		}
	}
}

func TestVisitorCircuits(t *testing.T) {
	host := strings.Repeat("a", 56)
	line := func(id, purpose, query string) string {
		return id + " BUILT $AB~x,$CD~y BUILD_FLAGS=NEED_UPTIME PURPOSE=" + purpose + " HS_STATE=X REND_QUERY=" + query + " TIME_CREATED=now\n"
	}
	status := "circuit-status=\r\n" + line("3", "HS_SERVICE_REND", host) + line("4", "HS_SERVICE_INTRO", host) +
		line("5", "HS_SERVICE_REND", strings.Repeat("b", 56)) + line("66", "HS_SERVICE_REND", host) + "7 LAUNCHED PURPOSE=GENERAL\nOK"
	if got := strings.Join(visitorCircuits(status, host+".onion"), " "); got != "3 66" {
		t.Errorf("circuits %q, want 3 and 66", got)
	}
	single := "circuit-status=" + strings.TrimSpace(line("9", "HS_SERVICE_REND", host)) + "\nOK"
	if got := strings.Join(visitorCircuits(single, host+".onion"), " "); got != "9" {
		t.Errorf("circuits %q, want 9", got)
	}
	if got := visitorCircuits("", host+".onion"); len(got) != 0 {
		t.Errorf("circuits %q in an empty answer", got)
	}
}
