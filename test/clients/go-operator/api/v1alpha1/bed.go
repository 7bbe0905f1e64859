// Package v1alpha1 is the first version of Beds: it counted in words and knew no soil.
package v1alpha1

import (
	"fmt"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/conversion"
	"sigs.k8s.io/controller-runtime/pkg/scheme"

	v1 "orrery.dev/test/clients/go-operator/api/v1"
)

// soilAnnotation keeps, in an object of this version, what only the newer one has a field for.
const soilAnnotation = "garden.example.com/soil"

var (
	GroupVersion = schema.GroupVersion{Group: "garden.example.com", Version: "v1alpha1"}
	builder      = (&scheme.Builder{GroupVersion: GroupVersion}).Register(&Bed{}, &BedList{})
	AddToScheme  = builder.AddToScheme
)

type Bed struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   BedSpec      `json:"spec"`
	Status v1.BedStatus `json:"status,omitempty"`
}

type BedSpec struct {
	Crop   string `json:"crop"`
	Plants string `json:"plants"`
}

type BedList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Bed `json:"items"`
}

func (b *Bed) ConvertTo(hub conversion.Hub) error {
	out := hub.(*v1.Bed)
	plants, err := strconv.ParseInt(b.Spec.Plants, 10, 32)
	if err != nil {
		return fmt.Errorf("%q is no number of plants", b.Spec.Plants)
	}
	b.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec = v1.BedSpec{Crop: b.Spec.Crop, Plants: int32(plants), Soil: b.Annotations[soilAnnotation]}
	delete(out.Annotations, soilAnnotation)
	out.Status = b.Status
	return nil
}

func (b *Bed) ConvertFrom(hub conversion.Hub) error {
	in := hub.(*v1.Bed)
	in.ObjectMeta.DeepCopyInto(&b.ObjectMeta)
	b.Spec = BedSpec{Crop: in.Spec.Crop, Plants: strconv.Itoa(int(in.Spec.Plants))}
	if in.Spec.Soil != "" {
		metav1.SetMetaDataAnnotation(&b.ObjectMeta, soilAnnotation, in.Spec.Soil)
	}
	b.Status = in.Status
	return nil
}

func (b *Bed) DeepCopyInto(out *Bed) {
	*out = *b
	b.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Status.Conditions = append([]metav1.Condition(nil), b.Status.Conditions...)
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
