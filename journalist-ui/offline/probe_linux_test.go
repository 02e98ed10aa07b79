package offline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// What a probe process is told by the test that started it, as JSON in the
// environment.
type targets struct {
	Mode       string // the probe to run
	Seal       bool   // call Seal first
	TCP4, TCP6 string // live listeners
	UDP4       string // a live socket
	Unix       string // a live unix listener
	Sibling    int    // process id of another process of the same user
}

// outcome is what a probe prints: for each attempt the error, "" if it worked.
type outcome map[string]string

// inherited is a UDP socket that the probe got from its parent.
const inherited = 3

// attempts lists every way to a network, or into another process, that the
// probe can be made to try. All of them work in an unsealed process (of root).
func attempts(t targets) map[string]func() error {
	socket := func(family, kind, proto int) func() error {
		return func() error {
			fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, proto)
			if err == nil {
				unix.Close(fd)
			}
			return err
		}
	}
	udp := udpAddr(t.UDP4)
	return map[string]func() error{
		"dial tcp4": func() error { return dial("tcp4", t.TCP4) },
		"dial tcp6": func() error { return dial("tcp6", t.TCP6) },
		"dial udp4": func() error { return dial("udp4", t.UDP4) },
		"dial unix": func() error { return dial("unix", t.Unix) },
		"look up a name": func() error {
			r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "tcp4", t.TCP4) // answers, with nonsense
			}}
			_, err := r.LookupHost(context.Background(), "sourdine.invalid")
			return err
		},
		"listen tcp": func() error { return closed(net.Listen("tcp", "127.0.0.1:0")) },
		"listen udp": func() error { return closed(net.ListenPacket("udp", "127.0.0.1:0")) },
		"listen unix": func() error {
			return closed(net.Listen("unix", fmt.Sprintf("@sourdine-probe-%d-%d", os.Getpid(), unix.Gettid())))
		},
		"raw socket":                   socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
		"packet socket":                socket(unix.AF_PACKET, unix.SOCK_RAW, 0),
		"netlink socket":               socket(unix.AF_NETLINK, unix.SOCK_RAW, 0),
		"multipath tcp":                socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP),
		"inherited socket, sendto":     func() error { return unix.Sendto(inherited, []byte("x"), 0, udp) },
		"inherited socket, sendmsg":    func() error { return unix.Sendmsg(inherited, []byte("x"), nil, udp, 0) },
		"inherited socket, connect":    func() error { return unix.Connect(inherited, udp) },
		"inherited socket, bind again": func() error { return unix.Bind(inherited, udp) },
		"io_uring": func() error {
			var params [120]byte
			return syscallErr(unix.SYS_IO_URING_SETUP, 1, pointer(&params[0]), 0)
		},
		"type into the terminal":        call(unix.SYS_IOCTL, nowhere, unix.TIOCSTI),
		"paste into the terminal":       call(unix.SYS_IOCTL, nowhere, unix.TIOCLINUX),
		"type, with a dirty upper half": call(unix.SYS_IOCTL, nowhere, 1<<32|unix.TIOCSTI),
		"have the kernel ask":           call(unix.SYS_REQUEST_KEY, nowhere, nowhere),
		"add to the kernel's keys":      call(unix.SYS_ADD_KEY, nowhere, nowhere),
		"use the kernel's keys":         call(unix.SYS_KEYCTL, nowhere, 0),
		"memory of another process": func() error {
			return closed(os.OpenFile(fmt.Sprintf("/proc/%d/mem", t.Sibling), os.O_RDWR, 0))
		},
		"trace another process": func() error {
			err := unix.PtraceSeize(t.Sibling)
			if err == nil {
				unix.PtraceDetach(t.Sibling)
			}
			return err
		},
	}
}

// nowhere is no file and no address: what gets as far as the kernel's own check
// fails there.
const nowhere = ^uintptr(0)

func call(number, a, b uintptr) func() error {
	return func() error { return syscallErr(number, a, b, 0) }
}

func dial(network, addr string) error {
	c, err := net.DialTimeout(network, addr, 2*time.Second)
	if err == nil {
		c.Close()
	}
	return err
}

func closed(c io.Closer, err error) error {
	if err == nil {
		err = c.Close()
	}
	return err
}

// try runs every attempt on the calling thread.
func try(t targets) outcome {
	out := outcome{}
	for name, f := range attempts(t) {
		out[name] = ""
		if err := f(); err != nil {
			out[name] = err.Error()
		}
	}
	return out
}

// probe is the child's main. It returns its exit code.
func probe(t targets) int {
	var after func() any
	switch t.Mode {
	case "try":
		after = func() any { return try(t) }
	case "threads":
		after = oldThreads(t)
	case "child":
		after = func() any { return grandchild(t) }
	case "serve":
		after = serveOnce()
	case "twice":
		after = func() any { return outcome{"second seal": errText(Seal()), "dial": errText(dial("tcp4", t.TCP4))} }
	case "walls":
		after = func() any { return wallsOf() }
	case "terminal":
		after = typeAhead()
	case "crash":
		after = func() any { unix.Kill(os.Getpid(), unix.SIGABRT); select {} }
	case "no seccomp", "no-op seccomp", "no prctl", "no landlock", "broken landlock":
		after = crippledKernel(t.Mode)
	default:
		panic("unknown probe " + t.Mode)
	}
	if t.Seal {
		if err := Seal(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 3
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(after()); err != nil {
		return 4
	}
	return 0
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// oldThreads starts threads now, and lets each try after the seal.
func oldThreads(t targets) func() any {
	const n = 8
	start, results := make(chan struct{}), make(chan outcome)
	for range n {
		go func() {
			runtime.LockOSThread()
			<-start
			results <- try(t)
		}()
	}
	return func() any {
		close(start)
		var all []outcome
		for range n {
			all = append(all, <-results)
		}
		return all
	}
}

// grandchild runs this program again, without Seal, and a program that is not ours.
func grandchild(t targets) outcome {
	t.Mode, t.Seal = "try", false
	blob, _ := json.Marshal(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{probeVariable + "=" + string(blob)}
	cmd.ExtraFiles = []*os.File{os.NewFile(inherited, "udp")}
	stdout, err := cmd.Output()
	if err != nil {
		return outcome{"run ourselves": err.Error()}
	}
	out := outcome{}
	if err := json.Unmarshal(stdout, &out); err != nil {
		return outcome{"run ourselves": err.Error()}
	}
	host, port, _ := net.SplitHostPort(t.TCP4)
	text, err := exec.Command("bash", "-c", "exec 9<>/dev/tcp/"+host+"/"+port).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, text)
	}
	out["bash"] = errText(err)
	return out
}

// serveOnce listens now, and serves three requests after the seal.
func serveOnce() func() any {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	return func() any {
		served := make(chan struct{})
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			out, err := exec.Command("echo", "still here").CombinedOutput()
			if err != nil {
				out = []byte(err.Error())
			}
			w.Write(out)
			select {
			case served <- struct{}{}:
			case <-time.After(5 * time.Second):
			}
		})}
		go srv.Serve(l)
		for range 3 {
			<-served
		}
		return outcome{"shutdown": errText(srv.Shutdown(context.Background()))}
	}
}

type walls struct {
	Dumpable   int
	CoreLimit  uint64
	NoNewPrivs int
	Socketpair string
}

func wallsOf() walls {
	var w walls
	w.Dumpable, _ = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	w.NoNewPrivs, _ = unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	var lim unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_CORE, &lim)
	w.CoreLimit = lim.Cur + lim.Max
	_, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	w.Socketpair = errText(err)
	return w
}

// typeAhead opens a terminal of its own and, after the seal, types into it.
func typeAhead() func() any {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return func() any { return outcome{"no terminal": err.Error()} }
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		_, err = unix.Setsid()
	}
	if err != nil {
		return func() any { return outcome{"no terminal": err.Error()} }
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR, 0)
	if err != nil {
		return func() any { return outcome{"no terminal": err.Error()} }
	}
	return func() any {
		letter := byte('x')
		err := syscallErr(unix.SYS_IOCTL, slave.Fd(), unix.TIOCSTI, pointer(&letter))
		_, sizeErr := unix.IoctlGetWinsize(int(slave.Fd()), unix.TIOCGWINSZ)
		return outcome{"type": errText(err), "size": errText(sizeErr)}
	}
}
