// Package v1 is the version of Beds that is stored, and the hub of their conversion.
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/scheme"
)

var (
	GroupVersion = schema.GroupVersion{Group: "garden.example.com", Version: "v1"}
	builder      = (&scheme.Builder{GroupVersion: GroupVersion}).Register(&Bed{}, &BedList{})
	AddToScheme  = builder.AddToScheme
)

// Bed is a garden bed: its plants are the pods of a Deployment.
type Bed struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   BedSpec   `json:"spec"`
	Status BedStatus `json:"status,omitempty"`
}

type BedSpec struct {
	Crop   string `json:"crop"`
	Plants int32  `json:"plants"`
	Soil   string `json:"soil,omitempty"`
}

type BedStatus struct {
	Ready              int32              `json:"ready,omitempty"`
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type BedList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Bed `json:"items"`
}

func (*Bed) Hub() {}

func (b *Bed) DeepCopyInto(out *Bed) {
	*out = *b
	b.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Status.Conditions = nil
	for _, condition := range b.Status.Conditions {
		out.Status.Conditions = append(out.Status.Conditions, *condition.DeepCopy())
	}
}

func (b *Bed) DeepCopyObject() runtime.Object {
	out := &Bed{}
	b.DeepCopyInto(out)
	return out
}

func (l *BedList) DeepCopyObject() runtime.Object {
	out := &BedList{TypeMeta: l.TypeMeta, Items: make([]Bed, len(l.Items))}
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	for i := range l.Items {
		l.Items[i].DeepCopyInto(&out.Items[i])
	}
	return out
}
