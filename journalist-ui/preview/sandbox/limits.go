package sandbox

// Limits bound what a shut-in process may use up.
type Limits struct {
	Memory  uint64 // bytes of private memory
	Seconds uint64 // of processor time, all threads together; then the kernel kills the process
}
