// The Java client, io.kubernetes:client-java, unchanged, against the cluster of KUBECONFIG: typed calls, patches of each
// form, apply, a watch, an informer, objects of any kind and of a custom one, refusals.
import io.kubernetes.client.custom.IntOrString;
import io.kubernetes.client.custom.Quantity;
import io.kubernetes.client.custom.V1Patch;
import io.kubernetes.client.informer.ResourceEventHandler;
import io.kubernetes.client.informer.SharedIndexInformer;
import io.kubernetes.client.informer.SharedInformerFactory;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.ApiException;
import io.kubernetes.client.openapi.Configuration;
import io.kubernetes.client.openapi.apis.AppsV1Api;
import io.kubernetes.client.openapi.apis.CoreV1Api;
import io.kubernetes.client.openapi.models.*;
import io.kubernetes.client.util.Config;
import io.kubernetes.client.util.PatchUtils;
import io.kubernetes.client.util.Watch;
import io.kubernetes.client.util.Yaml;
import io.kubernetes.client.util.generic.GenericKubernetesApi;
import io.kubernetes.client.util.generic.dynamic.DynamicKubernetesApi;
import io.kubernetes.client.util.generic.dynamic.DynamicKubernetesObject;
import io.kubernetes.client.util.generic.options.PatchOptions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;

public final class Main {
  private static final String NAMESPACE = "java-client";
  private static final long PATIENCE_MS = 60_000;

  private final ApiClient client;
  private final CoreV1Api core;
  private final AppsV1Api apps;

  private Main() throws Exception {
    client = Config.defaultClient();
    client.setReadTimeout(0);
    Configuration.setDefaultApiClient(client);
    core = new CoreV1Api(client);
    apps = new AppsV1Api(client);
  }

  public static void main(String[] args) throws Exception {
    Main suite = new Main();
    suite.core.createNamespace(new V1Namespace().metadata(new V1ObjectMeta().name(NAMESPACE))).execute();
    suite.typedCalls();
    suite.patches();
    suite.watch();
    suite.informer();
    suite.rollout();
    suite.customResources();
    suite.core.deleteNamespace(NAMESPACE).execute();
    // The client's threads would keep the process alive.
    System.exit(0);
  }

  private void typedCalls() throws Exception {
    V1ConfigMap created = core.createNamespacedConfigMap(NAMESPACE, configMap("typed", Map.of("a", "1"))).execute();
    check(created.getMetadata().getCreationTimestamp() != null && created.getMetadata().getUid() != null, "metadata of a created object");
    V1ConfigMap replaced = core.replaceNamespacedConfigMap("typed", NAMESPACE, configMap("typed", Map.of("a", "2"))).execute();
    equal(Map.of("a", "2"), replaced.getData());
    refused(409, "Conflict", () -> core.replaceNamespacedConfigMap("typed", NAMESPACE, created).execute());
    refused(409, "AlreadyExists", () -> core.createNamespacedConfigMap(NAMESPACE, configMap("typed", Map.of())).execute());
    refused(422, "Invalid", () -> core.createNamespacedConfigMap(NAMESPACE, configMap("Not Valid", Map.of())).execute());
    core.createNamespacedConfigMap(NAMESPACE, configMap("other", Map.of())).execute();
    V1ConfigMapList page = core.listNamespacedConfigMap(NAMESPACE).labelSelector("suite=java").limit(1).execute();
    equal(1, page.getItems().size());
    V1ConfigMapList rest = core.listNamespacedConfigMap(NAMESPACE).labelSelector("suite=java").limit(1)._continue(page.getMetadata().getContinue()).execute();
    equal("typed", rest.getItems().get(0).getMetadata().getName());
    core.deleteNamespacedConfigMap("typed", NAMESPACE).execute();
    refused(404, "NotFound", () -> core.readNamespacedConfigMap("typed", NAMESPACE).execute());
    System.out.println("ok   typed calls");
  }

  private void patches() throws Exception {
    core.createNamespacedConfigMap(NAMESPACE, configMap("patched", Map.of("a", "1", "b", "1"))).execute();
    equal(Map.of("a", "2", "b", "1"), patch(V1Patch.PATCH_FORMAT_JSON_PATCH, "[{\"op\":\"replace\",\"path\":\"/data/a\",\"value\":\"2\"}]"));
    equal(Map.of("a", "2"), patch(V1Patch.PATCH_FORMAT_JSON_MERGE_PATCH, "{\"data\":{\"b\":null}}"));
    equal(Map.of("a", "2", "c", "3"), patch(V1Patch.PATCH_FORMAT_STRATEGIC_MERGE_PATCH, "{\"data\":{\"c\":\"3\"}}"));

    GenericKubernetesApi<V1ConfigMap, V1ConfigMapList> maps = new GenericKubernetesApi<>(V1ConfigMap.class, V1ConfigMapList.class, "", "v1", "configmaps", client);
    PatchOptions one = manager("one");
    check(maps.patch(NAMESPACE, "applied", V1Patch.PATCH_FORMAT_APPLY_YAML, applied("red"), one).isSuccess(), "apply makes what is missing");
    var refusal = maps.patch(NAMESPACE, "applied", V1Patch.PATCH_FORMAT_APPLY_YAML, applied("blue"), manager("two"));
    equal(409, refusal.getHttpStatusCode());
    equal("Apply failed with 1 conflict: conflict with \"one\": .data.colour", refusal.getStatus().getMessage());
    PatchOptions two = manager("two");
    two.setForce(true);
    equal("blue", maps.patch(NAMESPACE, "applied", V1Patch.PATCH_FORMAT_APPLY_YAML, applied("blue"), two).getObject().getData().get("colour"));
    System.out.println("ok   patches and apply");
  }

  private static V1Patch applied(String colour) {
    return new V1Patch("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"applied\"},\"data\":{\"colour\":\"" + colour + "\"}}");
  }

  private static PatchOptions manager(String name) {
    PatchOptions options = new PatchOptions();
    options.setFieldManager(name);
    options.setForce(false);
    return options;
  }

  private Map<String, String> patch(String format, String body) throws ApiException {
    return PatchUtils.patch(V1ConfigMap.class, () -> core.patchNamespacedConfigMap("patched", NAMESPACE, new V1Patch(body)).buildCall(null), format, client).getData();
  }

  private void watch() throws Exception {
    String version = core.listNamespacedConfigMap(NAMESPACE).execute().getMetadata().getResourceVersion();
    var call = core.listNamespacedConfigMap(NAMESPACE).watch(true).resourceVersion(version).allowWatchBookmarks(false).timeoutSeconds(30).buildCall(null);
    List<String> seen = new ArrayList<>();
    try (Watch<V1ConfigMap> watch = Watch.createWatch(client, call, new com.google.gson.reflect.TypeToken<Watch.Response<V1ConfigMap>>() {}.getType())) {
      core.createNamespacedConfigMap(NAMESPACE, configMap("watched", Map.of())).execute();
      core.replaceNamespacedConfigMap("watched", NAMESPACE, configMap("watched", Map.of("a", "1"))).execute();
      core.deleteNamespacedConfigMap("watched", NAMESPACE).execute();
      while (seen.size() < 3 && watch.hasNext()) {
        Watch.Response<V1ConfigMap> event = watch.next();
        seen.add(event.type + " " + event.object.getMetadata().getName());
      }
    }
    equal(List.of("ADDED watched", "MODIFIED watched", "DELETED watched"), seen);
    System.out.println("ok   watch");
  }

  private void informer() throws Exception {
    SharedInformerFactory factory = new SharedInformerFactory(client);
    GenericKubernetesApi<V1Pod, V1PodList> pods = new GenericKubernetesApi<>(V1Pod.class, V1PodList.class, "", "v1", "pods", client);
    SharedIndexInformer<V1Pod> informer = factory.sharedIndexInformerFor(pods, V1Pod.class, 0, NAMESPACE);
    Queue<String> seen = new ConcurrentLinkedQueue<>();
    informer.addEventHandler(new ResourceEventHandler<>() {
      public void onAdd(V1Pod pod) {
        seen.add("add " + pod.getMetadata().getName());
      }

      public void onUpdate(V1Pod old, V1Pod pod) {
        seen.add("update " + pod.getMetadata().getName() + " " + pod.getStatus().getPhase());
      }

      public void onDelete(V1Pod pod, boolean isStale) {
        seen.add("delete " + pod.getMetadata().getName());
      }
    });
    factory.startAllRegisteredInformers();
    eventually("the informer has synced", informer::hasSynced);
    core.createNamespacedPod(NAMESPACE, new V1Pod().metadata(new V1ObjectMeta().name("seen")).spec(podSpec())).execute();
    eventually("the informer sees a pod run", () -> seen.contains("add seen") && seen.contains("update seen Running"));
    equal("Running", informer.getIndexer().getByKey(NAMESPACE + "/seen").getStatus().getPhase());
    core.deleteNamespacedPod("seen", NAMESPACE).gracePeriodSeconds(0).execute();
    eventually("the informer sees the pod go", () -> seen.contains("delete seen"));
    factory.stopAllRegisteredInformers();
    System.out.println("ok   informer");
  }

  private void rollout() throws Exception {
    Map<String, String> labels = Map.of("app", "web");
    V1PodTemplateSpec template = new V1PodTemplateSpec().metadata(new V1ObjectMeta().labels(labels)).spec(podSpec());
    V1Deployment web = new V1Deployment().metadata(new V1ObjectMeta().name("web")).spec(new V1DeploymentSpec().replicas(2).selector(new V1LabelSelector().matchLabels(labels)).template(template));
    apps.createNamespacedDeployment(NAMESPACE, web).execute();
    eventually("two replicas are ready", () -> Integer.valueOf(2).equals(apps.readNamespacedDeployment("web", NAMESPACE).execute().getStatus().getReadyReplicas()));
    V1Scale scale = apps.readNamespacedDeploymentScale("web", NAMESPACE).execute();
    scale.getSpec().setReplicas(1);
    apps.replaceNamespacedDeploymentScale("web", NAMESPACE, scale).execute();
    eventually("one pod is left", () -> core.listNamespacedPod(NAMESPACE).labelSelector("app=web").execute().getItems().size() == 1);
    equal("Foreground", deleteWeb());
    eventually("the deployment and its pods are gone", () -> core.listNamespacedPod(NAMESPACE).labelSelector("app=web").execute().getItems().isEmpty());
    V1Service service = (V1Service) Yaml.load("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports: [{port: 80, targetPort: http}]\n");
    equal(new IntOrString("http"), core.createNamespacedService(NAMESPACE, service).execute().getSpec().getPorts().get(0).getTargetPort());
    System.out.println("ok   deployments, scale and services");
  }

  private String deleteWeb() throws ApiException {
    V1DeleteOptions options = new V1DeleteOptions().propagationPolicy("Foreground");
    apps.deleteNamespacedDeployment("web", NAMESPACE).body(options).execute();
    return options.getPropagationPolicy();
  }

  private void customResources() throws Exception {
    DynamicKubernetesApi definitions = new DynamicKubernetesApi("apiextensions.k8s.io", "v1", "customresourcedefinitions", client);
    check(definitions.create(dynamic(DEFINITION)).isSuccess(), "a definition is created");
    eventually("the definition is established", () -> definitions.get("notes.java.example.com").getObject().getRaw().toString().contains("\"reason\":\"InitialNamesAccepted\""));
    DynamicKubernetesApi notes = new DynamicKubernetesApi("java.example.com", "v1", "notes", client);
    eventually("the custom resource is served", () -> notes.list(NAMESPACE).isSuccess());
    DynamicKubernetesObject note = notes.create(dynamic("{\"apiVersion\":\"java.example.com/v1\",\"kind\":\"Note\",\"metadata\":{\"name\":\"n\",\"namespace\":\"" + NAMESPACE + "\"},\"spec\":{\"text\":\"hello\"}}")).throwsApiException().getObject();
    equal(1L, note.getMetadata().getGeneration());
    equal("\"en\"", note.getRaw().getAsJsonObject("spec").get("language").toString());
    var refusal = notes.patch(NAMESPACE, "n", V1Patch.PATCH_FORMAT_JSON_MERGE_PATCH, new V1Patch("{\"spec\":{\"text\":5}}"));
    equal(422, refusal.getHttpStatusCode());
    equal("Note.java.example.com \"n\" is invalid: spec.text: Invalid value: \"integer\": spec.text in body must be of type string: \"integer\"", refusal.getStatus().getMessage());
    check(notes.delete(NAMESPACE, "n").isSuccess() && definitions.delete("notes.java.example.com").isSuccess(), "both are deleted");
    System.out.println("ok   custom resources");
  }

  private DynamicKubernetesObject dynamic(String json) {
    return new DynamicKubernetesObject(com.google.gson.JsonParser.parseString(json).getAsJsonObject());
  }

  private static final String DEFINITION = """
      {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "notes.java.example.com"},
       "spec": {"group": "java.example.com", "scope": "Namespaced", "names": {"plural": "notes", "singular": "note", "kind": "Note", "listKind": "NoteList"},
         "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
           "spec": {"type": "object", "properties": {"text": {"type": "string"}, "language": {"type": "string", "default": "en"}}}}}}}]}}
      """;

  private static V1PodSpec podSpec() {
    V1ResourceRequirements resources = new V1ResourceRequirements().requests(new HashMap<>(Map.of("cpu", new Quantity("100m"))));
    return new V1PodSpec().overhead(null).containers(List.of(new V1Container().name("main").image("nginx:1.28").resources(resources)));
  }

  private static V1ConfigMap configMap(String name, Map<String, String> data) {
    return new V1ConfigMap().metadata(new V1ObjectMeta().name(name).labels(Map.of("suite", "java"))).data(data);
  }

  private static void refused(int code, String reason, Callable<?> request) throws Exception {
    try {
      request.call();
    } catch (ApiException error) {
      equal(code, error.getCode());
      check(error.getResponseBody().contains("\"reason\":\"" + reason + "\""), error.getResponseBody());
      return;
    }
    throw new AssertionError("not refused: " + reason);
  }

  private static void eventually(String what, Callable<Boolean> probe) throws Exception {
    long deadline = System.currentTimeMillis() + PATIENCE_MS;
    while (!probe.call()) {
      check(System.currentTimeMillis() < deadline, "waited in vain until " + what);
      Thread.sleep(50);
    }
  }

  private static void equal(Object wanted, Object got) {
    check(wanted.equals(got), "wanted " + wanted + ", got " + got);
  }

  private static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }
}
