package parcel

// The limit of an index, small enough for a test to reach.
var (
	PlanLimited  = planLimited
	PartsLimited = partsLimited
)
