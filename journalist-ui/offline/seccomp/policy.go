package seccomp

// Action is what the kernel does with a system call.
type Action int

const (
	Allow  Action = iota // let it pass
	Refuse               // answer EPERM
	Absent               // answer ENOSYS, as a kernel without the call would: callers then take an older way
)

// A Policy is an ordered list of rules and what happens to all other calls.
// Calls of a foreign architecture are not part of it: they end the process.
type Policy struct {
	Rules     []Rule
	Otherwise Action
}

// A Rule matches one system call. All of its conditions must hold.
// The first rule that matches decides.
type Rule struct {
	Call   uintptr // SYS_… of golang.org/x/sys/unix
	Where  []Cond
	Action Action
}

// A Cond compares the bits of one argument that Mask selects with Value.
// The kernel reads some arguments as 32 bits and ignores the upper half;
// a rule that *allows* should therefore compare all 64 bits, so that no
// spelling of the same number escapes it.
type Cond struct {
	Arg   int // 0 to 5
	Mask  uint64
	Value uint64
}

// All selects the whole argument.
const All = ^uint64(0)

// On makes one unconditional rule per call.
func On(a Action, calls ...uintptr) []Rule {
	rules := make([]Rule, len(calls))
	for i, c := range calls {
		rules[i] = Rule{Call: c, Action: a}
	}
	return rules
}
