package main

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// metaRoots are the shared types that no group-version registers as its own.
var metaRoots = []any{
	metav1.ObjectMeta{}, metav1.ListMeta{}, metav1.TypeMeta{}, metav1.Status{}, metav1.WatchEvent{}, metav1.List{}, metav1.Patch{},
	metav1.CreateOptions{}, metav1.UpdateOptions{}, metav1.PatchOptions{}, metav1.ApplyOptions{}, metav1.DeleteOptions{},
	metav1.GetOptions{}, metav1.ListOptions{}, metav1.TableOptions{}, metav1.Table{},
	metav1.PartialObjectMetadata{}, metav1.PartialObjectMetadataList{}, metav1.APIResourceList{}, metav1.APIGroupList{},
	metav1.APIGroup{}, metav1.APIVersions{}, metav1.RootPaths{}, metav1.LabelSelector{}, metav1.Condition{}, metav1.MicroTime{},
	metav1.Duration{}, metav1.FieldsV1{}, version.Info{}, runtime.RawExtension{},
}

var stable = regexp.MustCompile(`^v[0-9]+$`)

func fullScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(scheme.AddToScheme(s))
	utilruntime.Must(apiextensionsv1.AddToScheme(s))
	utilruntime.Must(apiregistrationv1.AddToScheme(s))
	utilruntime.Must(metricsv1beta1.AddToScheme(s))
	utilruntime.Must(admissionv1.AddToScheme(s))
	utilruntime.Must(apidiscoveryv2.AddToScheme(s))
	return s
}

// wanted says which group-versions are covered: the stable ones, which are those that are served by default, and metrics.
func wanted(gv schema.GroupVersion, d *discovery) bool {
	switch gv.Group {
	case metricsv1beta1.GroupName, admissionv1.GroupName, apidiscoveryv2.GroupName:
		return true
	}
	return stable.MatchString(gv.Version) && d.has(gv.String())
}

func (c *collector) addRoots(d *discovery) error {
	s := fullScheme()
	for _, gv := range s.PrioritizedVersionsAllGroups() {
		if !wanted(gv, d) {
			continue
		}
		known := s.KnownTypes(gv)
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			t := known[name]
			if strings.HasPrefix(t.PkgPath(), "k8s.io/apimachinery/") {
				continue
			}
			if _, err := c.add(t); err != nil {
				return err
			}
			c.addKind(modelName(t), gv.WithKind(name))
		}
	}
	for _, root := range metaRoots {
		t := reflect.TypeOf(root)
		if _, err := c.add(t); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	// These name themselves on the wire and belong to no group.
	for _, kind := range []string{"Status", "APIVersions", "APIGroupList", "APIGroup", "APIResourceList"} {
		c.addKind(metaPackage+kind, schema.GroupVersionKind{Version: "v1", Kind: kind})
	}
	for _, kind := range []string{"Table", "PartialObjectMetadata", "PartialObjectMetadataList"} {
		c.addKind(metaPackage+kind, schema.GroupVersionKind{Group: "meta.k8s.io", Version: "v1", Kind: kind})
	}
	return nil
}
