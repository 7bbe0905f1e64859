/**
 * The scheduling framework: plugins are values with optional methods, outcomes are a Status, per-cycle state is passed
 * in. Models k8s.io/kube-scheduler/framework and pkg/scheduler/framework.
 */
export {}
